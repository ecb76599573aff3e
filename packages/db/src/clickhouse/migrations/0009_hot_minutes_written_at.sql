-- When a row was written. A stream that catches up writes minutes long past: by their own time they
-- would be dropped before their hours are rolled up.
ALTER TABLE hot_minutes ADD COLUMN IF NOT EXISTS written_at DateTime('UTC') DEFAULT now();
