-- The valid conversions of a job that is at work, until their clicks are found.
CREATE TABLE IF NOT EXISTS staged_conversions
(
    build_id      UInt64,
    campaign_id   String,
    event_hour    DateTime('UTC'),
    partition     UInt16,
    offset        UInt64,
    `index`       UInt16,
    event_id      String,
    event_time_ms Int64,
    named_by      LowCardinality(String), -- click_id, user, or nothing
    key           FixedString(16),        -- of that, as in truth_clicks
    value_micros  Int64,
    staged_at     DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(staged_at)
ORDER BY (build_id, event_hour, key)
TTL staged_at + INTERVAL 3 DAY
SETTINGS ttl_only_drop_parts = 1;
