-- Those of the invalid clicks that are general invalid traffic, so that reports of the last hours need no
-- evidence. -1: not known, of a row that was written before there was the column.
ALTER TABLE hot_minutes ADD COLUMN IF NOT EXISTS givt_clicks Int64 DEFAULT -1;
