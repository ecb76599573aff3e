-- Rows of a day are merged once some days are written, and not while they are counted: a merge of few parts is one
-- more time that all of them are read and written (decision 0135).
ALTER TABLE truth_cube MODIFY SETTING min_parts_to_merge_at_once = 10;
