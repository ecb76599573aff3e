-- What the named versions of libraries say of a user agent: a function of the two, so that a row
-- written twice, or lost, changes nothing. Truth looks user agents up here by their hash.
CREATE TABLE IF NOT EXISTS user_agent_facts
(
    libraries    LowCardinality(String),
    agent_hash   FixedString(16),              -- sipHash128 of the user agent
    is_bot       Bool,
    is_browser   Bool
)
ENGINE = ReplacingMergeTree
ORDER BY (libraries, agent_hash);
