-- Evidence put right: events of which a backfill from the archive found other than the stream. What
-- the stream said stays in stream_rejects. Keyed by coordinates like those; a repetition writes the
-- same rows again.
CREATE TABLE IF NOT EXISTS stream_corrections
(
    advertiser_id String,
    campaign_id   String,
    event_hour    DateTime('UTC'),
    partition     UInt16,
    offset        UInt64,
    `index`       UInt16,
    event_id      String,
    event_type    LowCardinality(String),
    reason        LowCardinality(String),      -- empty: counted after all
    event_time    DateTime64(3, 'UTC'),
    append_time   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(event_hour)
ORDER BY (advertiser_id, campaign_id, event_hour, partition, offset, `index`)
TTL event_hour + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1;
