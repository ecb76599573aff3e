-- How long the span of a row is: an hour or a quarter of one. It follows from the advertiser's zone.
ALTER TABLE hot_hours ADD COLUMN IF NOT EXISTS span_seconds UInt16 DEFAULT 3600;
