-- Valid clicks by what a conversion may name them by: a row for the click's id and one for its user.
-- `clicks_of` is the hash of the judged day whose clicks they all are, or the job that looked some of
-- its own day up. A function of what is pinned, so anybody may write it again: rows that are there
-- twice change nothing.
CREATE TABLE IF NOT EXISTS truth_clicks
(
    advertiser_id String,
    clicks_of     String,
    key           FixedString(16),
    event_time_ms Int64,
    ingest_ms     Int64,
    partition     UInt16,
    offset        UInt64,
    `index`       UInt16,
    event_id      String,
    ad_id         String,
    publisher_id  String,
    geo           LowCardinality(String),
    device        LowCardinality(String),
    indexed_at    DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(indexed_at)
ORDER BY (advertiser_id, clicks_of, key, event_time_ms)
TTL indexed_at + INTERVAL 60 DAY
SETTINGS ttl_only_drop_parts = 1;
