-- Of each row that a look-up does not rule out the hour is read (decision 0164). Of whole hours this codec keeps
-- two bytes, and reads them in half the time.
ALTER TABLE event_index MODIFY COLUMN event_hour DateTime('UTC') CODEC(T64);
