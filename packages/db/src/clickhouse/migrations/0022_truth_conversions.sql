-- Evidence of attribution: every valid conversion of a build, and the click that it was credited to or
-- why to none.
CREATE TABLE IF NOT EXISTS truth_conversions
(
    advertiser_id    String,
    billing_day      Date,
    build_id         UInt64,
    campaign_id      String,
    event_hour       DateTime('UTC'),
    partition        UInt16,
    offset           UInt64,
    `index`          UInt16,
    event_id         String,
    event_time_ms    Int64,
    value_micros     Int64,
    named_by         LowCardinality(String),
    window_days      UInt16,
    not_credited     LowCardinality(String), -- the reason; empty of one that is credited
    click_partition  UInt16,
    click_offset     UInt64,
    click_index      UInt16,
    click_event_id   String,
    click_time_ms    Int64,
    click_ad_id      String,
    click_publisher_id String,
    click_geo        LowCardinality(String),
    click_device     LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(billing_day)
ORDER BY (advertiser_id, billing_day, build_id, campaign_id, event_hour);
