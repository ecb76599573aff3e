-- Clicks with a good token, by what the token is for: where the uses of one token lie. Filled from the
-- objects when their ids are looked up; those with more than one event hour go to event_copies. A
-- retry writes the same rows again.
CREATE TABLE IF NOT EXISTS token_uses
(
    token_key   FixedString(16),               -- sipHash128 of impression and ad
    campaign_id String,
    event_hour  DateTime('UTC'),
    path        String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(event_hour)
ORDER BY (token_key, campaign_id, event_hour, path)
TTL event_hour + INTERVAL 126 DAY              -- as the row index
SETTINGS ttl_only_drop_parts = 1;
