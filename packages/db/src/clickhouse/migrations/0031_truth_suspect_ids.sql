-- Each event of one slice that may not be valid, as its keys tell: a row an event. Its row of `truth_suspects` is
-- looked for by the hash of its id, and all must be found. Dropped with those; rows of an attempt that died go
-- by their age.
CREATE TABLE IF NOT EXISTS truth_suspect_ids
(
    build_id   UInt64,
    slice_hour DateTime('UTC'),              -- first event hour of the slice
    written_at DateTime('UTC') DEFAULT now(),
    event_hour DateTime('UTC'),
    id         UInt64 CODEC(NONE)            -- as in truth_keys
)
ENGINE = MergeTree
PARTITION BY (build_id, slice_hour)
ORDER BY tuple()
TTL written_at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
