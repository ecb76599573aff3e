-- The users of a cell as a list of hashed ids, ascending: uniting lists costs half of what uniting sets
-- does, each of which is read into a table of its own first. Rows of before have sets only, from
-- whose bytes (a count of one to seven bytes, then eight a member) a reader gets the same list.
ALTER TABLE truth_cube ADD COLUMN IF NOT EXISTS user_hashes Array(UInt64) DEFAULT arraySort(
    reinterpret(
        substring(CAST(users AS String), 1 + length(CAST(users AS String)) % 8), 'Array(UInt64)'));
