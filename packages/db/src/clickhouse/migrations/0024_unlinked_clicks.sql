-- Clicks of one slice that need an impression and have none shortly before, while they are judged.
-- Dropped once the slice's truth is written; those of an attempt that died go by their age.
CREATE TABLE IF NOT EXISTS unlinked_clicks
(
    build_id   UInt64,
    slice_hour DateTime('UTC'),              -- first event hour of the slice
    partition  UInt16,
    offset     UInt64,
    `index`    UInt16,
    gap_ms     Int64,                        -- since the last impression of it
    written_at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY (build_id, slice_hour)
ORDER BY tuple()
TTL written_at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;
