/** How a value is stored: as it is (what plain SQL appends), or as a zstd frame. */
const CODEC_NONE = 0;
export const CODEC_ZSTD = 1;

/**
 * Appends of so few records are placed one by one: below it a statement for each costs the server
 * less than the sorts and joins of one for all, above it more.
 */
const FEW_RECORDS_MAX = 8;

/** Held while the schema is created, so that two first starts do not trip over each other. */
export const SCHEMA_LOCK_KEY = 7_227_001;

/**
 * The log's own schema, PostgreSQL 16 or later. Every statement may run again on a schema that is
 * already there.
 *
 * A sequence would not do for the offsets: it hands out 7 and 8 in one order and lets them be
 * committed in the other, and a reader that meets 8 first never comes back for 7. So the next offset
 * is a column, and its row stays locked until the commit is visible: offsets appear in order and
 * without gaps. Partitions are locked in the order of their numbers, so appends cannot deadlock.
 */
export const SCHEMA_SQL = `
CREATE SCHEMA IF NOT EXISTS event_log;

CREATE TABLE IF NOT EXISTS event_log.topics (
  topic_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL UNIQUE,
  partition_count integer NOT NULL CHECK (partition_count > 0),
  retention_ms bigint CHECK (retention_ms > 0)
);

-- Half of each page is left free: every append updates a row, which then stays on its page.
CREATE TABLE IF NOT EXISTS event_log.partitions (
  topic_id integer NOT NULL REFERENCES event_log.topics,
  partition integer NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  last_append_ms bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic_id, partition)
) WITH (fillfactor = 50);

-- EXTERNAL: the values are compressed already, Postgres need not try again. Values of small blocks
-- stay in their rows, two to a page or more; cut into slices of 2 kB, each would cost a row and an
-- index entry of its own.
CREATE TABLE IF NOT EXISTS event_log.records (
  topic_id integer NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  append_time_ms bigint NOT NULL,
  codec smallint NOT NULL CHECK (codec IN (${CODEC_NONE}, ${CODEC_ZSTD})),
  value bytea STORAGE EXTERNAL NOT NULL,
  PRIMARY KEY (topic_id, partition, "offset")
) WITH (toast_tuple_target = 4080);

-- What is acked must be on disk, whatever the server's default says. Holds until the commit.
CREATE OR REPLACE FUNCTION event_log.insist_on_durability() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END
$$;

-- Creates a topic with its partitions; of one that is there, only the retention changes.
CREATE OR REPLACE FUNCTION event_log.ensure_topic(
  topic_name text,
  new_partition_count integer,
  new_retention_ms bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM event_log.insist_on_durability();
  WITH ensured AS (
    INSERT INTO event_log.topics (topic, partition_count, retention_ms)
    VALUES (topic_name, new_partition_count, new_retention_ms)
    ON CONFLICT (topic) DO UPDATE SET retention_ms = excluded.retention_ms
    RETURNING topic_id, partition_count
  )
  INSERT INTO event_log.partitions (topic_id, partition)
  SELECT e.topic_id, generate_series(0, e.partition_count - 1) FROM ensured e
  ON CONFLICT DO NOTHING;
END
$$;

-- Gives a topic more partitions: SELECT event_log.grow_topic('clicks.raw', 4). It never has fewer.
CREATE OR REPLACE FUNCTION event_log.grow_topic(topic_name text, new_partition_count integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM event_log.insist_on_durability();
  WITH grown AS (
    UPDATE event_log.topics SET partition_count = greatest(partition_count, new_partition_count)
    WHERE topic = topic_name
    RETURNING topic_id, partition_count
  )
  INSERT INTO event_log.partitions (topic_id, partition)
  SELECT g.topic_id, generate_series(0, g.partition_count - 1) FROM grown g
  ON CONFLICT DO NOTHING;
END
$$;

-- Appends the records that lie one behind the other in packed_values, and returns their offsets.
-- append_times is for restoring a log; without it the time is now, but never before the last one.
CREATE OR REPLACE FUNCTION event_log.append_packed(
  topic_name text,
  record_partitions integer[],
  record_bytes integer[],
  packed_values bytea,
  value_codec smallint,
  append_times bigint[] DEFAULT NULL
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  record_count CONSTANT integer := cardinality(record_partitions);
  is_few boolean := append_times IS NULL AND record_count BETWEEN 1 AND ${FEW_RECORDS_MAX};
  found_topic_id integer;
  now_ms bigint;
  offsets bigint[];
  this_partition integer;
  run_length integer;
  next_byte integer := 1;
  this_offset bigint;
  this_append_ms bigint;
BEGIN
  PERFORM event_log.insist_on_durability();
  SELECT t.topic_id INTO found_topic_id FROM event_log.topics t WHERE t.topic = topic_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no topic "%"', topic_name;
  END IF;

  -- Others wait for the same rows: they must be met in the order of their numbers here too.
  FOR i IN 2 .. (CASE WHEN is_few THEN record_count ELSE 0 END) LOOP
    is_few := is_few AND record_partitions[i - 1] <= record_partitions[i];
  END LOOP;
  IF is_few THEN
    FOR i IN 1 .. record_count LOOP
      IF record_partitions[i] IS DISTINCT FROM this_partition THEN
        this_partition := record_partitions[i];
        run_length := 1;
        WHILE record_partitions[i + run_length] = this_partition LOOP
          run_length := run_length + 1;
        END LOOP;
        -- Locks the row; where that had to wait, row and time are looked at again after it.
        UPDATE event_log.partitions p
        SET next_offset = p.next_offset + run_length,
            last_append_ms = greatest(
              p.last_append_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
            )
        WHERE p.topic_id = found_topic_id AND p.partition = this_partition
        RETURNING p.next_offset - run_length, p.last_append_ms INTO this_offset, this_append_ms;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'no such partition in topic "%"', topic_name;
        END IF;
      END IF;
      INSERT INTO event_log.records
        (topic_id, partition, "offset", append_time_ms, codec, value)
      VALUES (
        found_topic_id, this_partition, this_offset, this_append_ms, value_codec,
        substring(packed_values FROM next_byte FOR record_bytes[i])
      );
      offsets[i] := this_offset;
      this_offset := this_offset + 1;
      next_byte := next_byte + record_bytes[i];
    END LOOP;
    RETURN offsets;
  END IF;

  PERFORM 1 FROM event_log.partitions p
  WHERE p.topic_id = found_topic_id AND p.partition = ANY (record_partitions)
  ORDER BY p.partition FOR UPDATE;
  -- After the locks: a time taken before them could be older than that of the append waited for.
  now_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);

  WITH placed AS (
    SELECT r.ordinal, r.partition, r.bytes,
           sum(r.bytes) OVER (ORDER BY r.ordinal) - r.bytes AS bytes_before,
           p.next_offset - 1 + row_number() OVER (PARTITION BY r.partition ORDER BY r.ordinal)
             AS record_offset,
           coalesce(r.append_time, greatest(now_ms, p.last_append_ms)) AS append_time_ms
    FROM unnest(record_partitions, record_bytes, append_times)
           WITH ORDINALITY AS r(partition, bytes, append_time, ordinal)
    JOIN event_log.partitions p ON p.topic_id = found_topic_id AND p.partition = r.partition
  ), inserted AS (
    INSERT INTO event_log.records
      (topic_id, partition, "offset", append_time_ms, codec, value)
    SELECT found_topic_id, r.partition, r.record_offset, r.append_time_ms, value_codec,
           substring(packed_values FROM r.bytes_before::integer + 1 FOR r.bytes)
    FROM placed r
  ), advanced AS (
    UPDATE event_log.partitions p
    SET next_offset = r.last_offset + 1, last_append_ms = r.last_append_ms
    FROM (
      SELECT partition, max(record_offset) AS last_offset, max(append_time_ms) AS last_append_ms
      FROM placed GROUP BY partition
    ) r
    WHERE p.topic_id = found_topic_id AND p.partition = r.partition
  )
  SELECT array_agg(r.record_offset ORDER BY r.ordinal) INTO offsets FROM placed r;

  IF cardinality(offsets) IS DISTINCT FROM record_count THEN
    RAISE EXCEPTION 'no such partition in topic "%"', topic_name;
  END IF;
  RETURN offsets;
END
$$;

-- For producers that speak plain SQL: SELECT event_log.append('clicks.raw', 3, '{…}'::bytea).
CREATE OR REPLACE FUNCTION event_log.append(topic_name text, record_partition integer, value bytea)
RETURNS bigint LANGUAGE sql AS $$
  SELECT (event_log.append_packed(
    topic_name, ARRAY[record_partition], ARRAY[octet_length(value)], value, ${CODEC_NONE}::smallint
  ))[1]
$$;
`;
