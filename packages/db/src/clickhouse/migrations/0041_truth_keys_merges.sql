-- Keys are read a few times and dropped a moment after they were written: nothing is gained by merging their parts, of
-- which there are eight of two million rows (decision 0165).
ALTER TABLE truth_keys MODIFY SETTING min_parts_to_merge_at_once = 100;
