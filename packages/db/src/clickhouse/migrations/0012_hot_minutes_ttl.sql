-- Hours take over from minutes. 48 hours from the writing, so never less than that of event time.
ALTER TABLE hot_minutes MODIFY TTL written_at + INTERVAL 48 HOUR SETTINGS materialize_ttl_after_modify = 0;
