-- The row index of the archive: event id -> object and row. Ordered by id, so that the copies of
-- one event lie side by side. Written before the manifest; a retry writes the same rows again.
CREATE TABLE IF NOT EXISTS event_index
(
    event_id    String,
    partition   UInt16,
    offset      UInt64,
    `index`     UInt16,
    campaign_id String,
    event_type  LowCardinality(String),
    event_hour  DateTime('UTC'),
    path        String,
    row         UInt32                         -- row of the object, from 0
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(event_hour)
ORDER BY (event_id, partition, offset, `index`)
TTL event_hour + INTERVAL 126 DAY              -- 35 days of lateness and 90 of questions
SETTINGS ttl_only_drop_parts = 1;
