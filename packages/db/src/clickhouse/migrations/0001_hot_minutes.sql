-- The hot store: what the stream has counted so far, by minute of event time. Absolute counts,
-- never deltas, so that writing one again is harmless. Of the rows with one sorting key, merges
-- keep the highest version, the offset in the log up to which it counts.
--
-- Merging is eventual. A reader must fold the versions itself, with FINAL.
CREATE TABLE IF NOT EXISTS hot_minutes
(
    advertiser_id    String,
    cube             LowCardinality(String),   -- which dimension: ad, geo, device, publisher
    campaign_id      String,
    window_start     DateTime('UTC'),
    dimension_value  String,
    partition        UInt16,                   -- partition of the log it was counted from
    clicks           UInt64,                   -- valid as far as the stream can tell
    invalid_clicks   UInt64,
    duplicate_clicks UInt64,
    impressions      UInt64,
    conversions      UInt64,
    cost_micros      Int64,                    -- estimate at the rate of the time
    version          UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMMDD(window_start)
-- Tenant first: every query filters on it, and it is the wall between two advertisers' data.
ORDER BY (advertiser_id, cube, campaign_id, window_start, dimension_value, partition)
TTL window_start + INTERVAL 36 DAY
SETTINGS ttl_only_drop_parts = 1;
