-- Events of one slice that may not be valid, while they are judged. A slice's rows are dropped once its
-- truth is written; those of an attempt that died go by their age.
CREATE TABLE IF NOT EXISTS truth_suspects
(
    build_id      UInt64,
    slice_hour    DateTime('UTC'),              -- first event hour of the slice
    is_following  Bool,                         -- of the hour after the slice
    written_at    DateTime('UTC') DEFAULT now(),
    partition     Int32,
    offset        Int64,
    `index`       Int32,
    event_type    LowCardinality(String),
    event_id      String,
    event_id128   FixedString(16),
    event_time    DateTime64(3, 'UTC'),
    ingest_time   DateTime64(3, 'UTC'),
    campaign_id   String,
    ad_id         String,
    publisher_id  String,
    user_id       String,
    geo           LowCardinality(String),
    device        LowCardinality(String),
    user_agent    String,
    ip_hash       String,
    ip_net        String,
    impression_id String,
    test          Bool,
    flags         LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY (build_id, slice_hour)
ORDER BY tuple()
TTL written_at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
