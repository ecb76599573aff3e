-- What a build holds of each campaign and event hour, added up when the hour's rows were written: totals
-- and the hash of a day's content are made of these, without reading the day again.
CREATE TABLE IF NOT EXISTS truth_hours
(
    advertiser_id     String,
    billing_day       Date,
    build_id          UInt64,
    campaign_id       String,
    event_hour        DateTime('UTC'),
    clicks            UInt64,
    gross_clicks      UInt64,
    net_clicks        UInt64,
    duplicate_clicks  UInt64,
    impressions       UInt64,
    conversions       UInt64,
    cost_micros       Int64,
    user_members      UInt64,                         -- of the sets of its cells, one after the other
    events_by_verdict Map(LowCardinality(String), UInt64),
    clicks_by_verdict Map(LowCardinality(String), UInt64),
    cells_sha256      FixedString(32),                -- of the sorted cells
    rejects           UInt64,
    rejects_digest    UInt128                         -- a sum of hashes, one of each reject
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(billing_day)
ORDER BY (advertiser_id, billing_day, build_id, campaign_id, event_hour)
SETTINGS index_granularity = 1024;
