-- As of the row index.
ALTER TABLE token_uses MODIFY COLUMN event_hour DateTime('UTC') CODEC(T64);
