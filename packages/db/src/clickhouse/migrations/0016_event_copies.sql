-- Where the ids lie that came with more than one event hour: few, and all that a job needs to know of
-- other days. Filled from event_index, object by object; a retry writes the same rows again.
CREATE TABLE IF NOT EXISTS event_copies
(
    campaign_id String,
    event_id    String,
    path        String,
    event_hour  DateTime('UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(event_hour)
ORDER BY (campaign_id, event_id, event_hour, path);
