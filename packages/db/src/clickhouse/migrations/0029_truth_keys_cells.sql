-- The cube is counted from a slice's keys, without reading its objects again (decision 0102). Hashes do not
-- compress, and cells are read once, a moment after they were written: compressing them takes longer.
ALTER TABLE truth_keys
    ADD COLUMN IF NOT EXISTS is_user Bool,                -- a click of a user, whose hash is `person`
    ADD COLUMN IF NOT EXISTS cell    String CODEC(NONE),  -- the event's cell of the cube, as one text
    MODIFY COLUMN id     UInt64 CODEC(NONE),
    MODIFY COLUMN token  UInt64 CODEC(NONE),
    MODIFY COLUMN person UInt64 CODEC(NONE),
    MODIFY COLUMN pair   UInt64 CODEC(NONE);
