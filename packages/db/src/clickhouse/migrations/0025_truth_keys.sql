-- What each event of one slice may have in common with others, hashed, while suspects are looked for:
-- a row for each event that is looked at. Dropped once they are found; rows of an attempt that died go
-- by their age.
CREATE TABLE IF NOT EXISTS truth_keys
(
    build_id      UInt64,
    slice_hour    DateTime('UTC'),              -- first event hour of the slice
    written_at    DateTime('UTC') DEFAULT now(),
    partition     UInt16,
    offset        UInt64,
    `index`       UInt16,
    event_time_ms Int64,
    is_click      Bool,
    is_suspect    Bool,                         -- by itself
    id            UInt64,                       -- of the event id
    token         UInt64,                       -- of a good token; from here on, 0 is none, or not asked
    person        UInt64,
    pair          UInt64,                       -- of person and ad
    ip_net        UInt64,
    publisher     UInt64
)
ENGINE = MergeTree
PARTITION BY (build_id, slice_hour)
ORDER BY tuple()
TTL written_at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
