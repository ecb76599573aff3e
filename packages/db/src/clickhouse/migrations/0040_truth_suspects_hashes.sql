-- Numbers as in `truth_keys`, in place of `person`, `pair` and `token_key`, which are written no more.
ALTER TABLE truth_suspects
    ADD COLUMN IF NOT EXISTS person_hash UInt64,
    ADD COLUMN IF NOT EXISTS pair_hash   UInt64,                        -- person, campaign and ad of a click
    ADD COLUMN IF NOT EXISTS token_hash  UInt64,
    ADD COLUMN IF NOT EXISTS ip_net_hash UInt64;
