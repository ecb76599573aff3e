-- Conversions by the dimensions of the click that they are credited to, in rows of their own whose
-- `events` are 0, in the hour of the conversion.
ALTER TABLE truth_cube
    ADD COLUMN IF NOT EXISTS credited UInt64,
    ADD COLUMN IF NOT EXISTS credited_value_micros Int128;
