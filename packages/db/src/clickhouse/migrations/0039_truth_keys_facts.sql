-- What an event says of itself is in its keys, so that of suspects little is read of the objects a second time
-- (decision 0165).
ALTER TABLE truth_keys
    ADD COLUMN IF NOT EXISTS is_named          Bool,                    -- it names its user, whose hash is `person`
    ADD COLUMN IF NOT EXISTS test              Bool,
    ADD COLUMN IF NOT EXISTS flag_words        LowCardinality(String),
    ADD COLUMN IF NOT EXISTS agent_given       Bool,
    ADD COLUMN IF NOT EXISTS agent_is_bot      Bool,
    ADD COLUMN IF NOT EXISTS agent_is_browser  Bool,
    ADD COLUMN IF NOT EXISTS net_is_datacenter Bool;
