-- Events of one slice that may not be valid, while they are judged. A slice's rows are dropped once its
-- truth is written; those of an attempt that died go by their age.
CREATE TABLE IF NOT EXISTS truth_suspects
(
    build_id          UInt64,
    slice_hour        DateTime('UTC'),          -- first event hour of the slice
    written_at        DateTime('UTC') DEFAULT now(),
    partition         UInt16,
    offset            UInt64,
    `index`           UInt16,
    event_time_ms     Int64,
    ingest_ms         Int64,
    event_id          String,
    event_id128       FixedString(16),
    event_type        LowCardinality(String),
    campaign_id       String,
    ad_id             String,
    publisher_id      String,
    user_id           String,
    geo               String,
    device            String,
    ip_net            String,
    test              Bool,
    flag_words        LowCardinality(String),
    agent_given       Bool,
    agent_is_bot      Bool,
    agent_is_browser  Bool,
    net_is_datacenter Bool,
    payload           UInt64,                   -- what copies of an id must agree in, hashed
    person            FixedString(16),          -- zeros: nobody
    pair              FixedString(16),          -- person, campaign and ad of a click
    token_key         FixedString(16)           -- as in token_uses; zeros: no good token
)
ENGINE = MergeTree
PARTITION BY (build_id, slice_hour)
ORDER BY tuple()
TTL written_at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
