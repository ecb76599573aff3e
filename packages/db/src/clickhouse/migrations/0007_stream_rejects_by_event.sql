-- Tracing one event asks for its id, which the sorting key does not hold.
ALTER TABLE stream_rejects ADD INDEX IF NOT EXISTS event_id_bloom event_id TYPE bloom_filter(0.001) GRANULARITY 1;
