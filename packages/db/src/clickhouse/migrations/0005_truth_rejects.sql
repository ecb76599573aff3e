-- Evidence of truth: every event of a build whose verdict is not `valid`, by coordinates. The
-- counterpart of stream_rejects.
CREATE TABLE IF NOT EXISTS truth_rejects
(
    advertiser_id String,
    billing_day   Date,
    build_id      UInt64,
    campaign_id   String,
    event_hour    DateTime('UTC'),
    partition     UInt16,
    offset        UInt64,
    `index`       UInt16,
    event_id      String,
    event_type    LowCardinality(String),
    verdict       LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(billing_day)
ORDER BY (advertiser_id, billing_day, build_id, campaign_id, event_hour);
