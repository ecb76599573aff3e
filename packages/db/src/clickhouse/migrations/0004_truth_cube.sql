-- Billing truth by hour of event time and all dimensions. `build_id` is the job that wrote the
-- rows. Readers name the builds they want, taken from the pointers in Postgres: rows of a job that
-- died, or of an older version, are simply not named (invariant I6).
CREATE TABLE IF NOT EXISTS truth_cube
(
    advertiser_id String,
    billing_day   Date,
    build_id      UInt64,
    campaign_id   String,
    event_hour    DateTime('UTC'),
    ad_id         String,
    publisher_id  String,
    geo           LowCardinality(String),
    device        LowCardinality(String),
    event_type    LowCardinality(String),
    verdict       LowCardinality(String),
    events        UInt64,
    cost_micros   Int64,
    users         AggregateFunction(uniqExact, UInt64) -- hashed user ids of valid clicks
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(billing_day)
ORDER BY (advertiser_id, billing_day, build_id, campaign_id, event_hour)
-- Reports of one campaign take a few hundred rows of each day. A table of before keeps its granules.
SETTINGS index_granularity = 1024;
