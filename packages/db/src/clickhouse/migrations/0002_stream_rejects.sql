-- Evidence: every event that the stream did not count, and why. With truth_rejects it makes the
-- difference between stream and truth add up, cause by cause. Keyed by coordinates, so a replay
-- writes the same rows again.
CREATE TABLE IF NOT EXISTS stream_rejects
(
    advertiser_id String,                      -- empty when the campaign is unknown
    campaign_id   String,
    event_hour    DateTime('UTC'),
    partition     UInt16,
    offset        UInt64,
    `index`       UInt16,
    event_id      String,
    event_type    LowCardinality(String),
    reason        LowCardinality(String),
    event_time    DateTime64(3, 'UTC'),
    append_time   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(event_hour)
ORDER BY (advertiser_id, campaign_id, event_hour, partition, offset, `index`)
TTL event_hour + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1;
