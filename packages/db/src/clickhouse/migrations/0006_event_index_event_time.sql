-- The instant of an event, which decides its billing day where a day starts within an hour. Rows
-- written without it count as of the start of their hour.
ALTER TABLE event_index ADD COLUMN IF NOT EXISTS event_time DateTime64(3, 'UTC') DEFAULT event_hour;
