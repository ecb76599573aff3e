/** The same file by others: every column of the archive that a line gives. */

const TEXTS = [
  "event_type",
  "event_id",
  "campaign_id",
  "ad_id",
  "publisher_id",
  "user_id",
  "geo",
  "device",
  "user_agent",
  "ip_hash",
  "ip_net",
  "region",
  "source_id",
];

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Parses each line once, as its manual advises. */
export function duckDbCopy(source: string, target: string): string {
  const shape = JSON.stringify({
    schema_version: "INTEGER",
    event_time: "BIGINT",
    ingest_time: "BIGINT",
    flags: ["VARCHAR"],
    ...Object.fromEntries(TEXTS.map((name) => [name, "VARCHAR"])),
  });
  return `
    COPY (
      SELECT e.schema_version, epoch_ms(e.event_time) AS event_time,
        epoch_ms(e.ingest_time) AS ingest_time, array_to_string(e.flags, ',') AS flags,
        unhex(left(sha256(e.event_id), 32)) AS event_id128,
        ${TEXTS.map((name) => `e.${name}`).join(", ")},
        line::BLOB AS line
      FROM (
        SELECT json::VARCHAR AS line, json_transform_strict(json, ${quoted(shape)}) AS e
        FROM read_ndjson_objects(${quoted(source)})
      )
    ) TO ${quoted(target)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`;
}

export function clickHouseInsert(source: string, target: string): string {
  const columns = TEXTS.map((name) => `${name} String`).join(", ");
  const shape = `schema_version Int32, event_time Int64, ingest_time Int64, flags Array(String), ${columns}`;
  return `
    INSERT INTO FUNCTION file(${quoted(target)}, 'Parquet')
    SELECT e.schema_version AS schema_version, fromUnixTimestamp64Milli(e.event_time, 'UTC') AS event_time,
      fromUnixTimestamp64Milli(e.ingest_time, 'UTC') AS ingest_time,
      arrayStringConcat(e.flags, ',') AS flags,
      toFixedString(substring(SHA256(e.event_id), 1, 16), 16) AS event_id128,
      ${TEXTS.map((name) => `e.${name} AS ${name}`).join(", ")},
      line
    FROM (
      SELECT line, JSONExtract(line, ${quoted(`Tuple(${shape})`)}) AS e
      FROM file(${quoted(source)}, 'LineAsString', 'line String')
    )
    SETTINGS max_threads = 1, output_format_parquet_compression_method = 'zstd',
      output_format_compression_level = 1, output_format_parquet_parallel_encoding = 0`;
}

/** One row that is equal only for equal contents, as DuckDB reads them. */
export function duckDbDigest(files: string): string {
  const hashes = ["event_id128", ...TEXTS].map(
    (name) => `bit_xor(hash(${name}::VARCHAR || event_id::VARCHAR))::VARCHAR AS ${name}`,
  );
  return `
    SELECT count(*)::VARCHAR AS rows, sum(epoch_ms(event_time))::VARCHAR AS times,
      sum(epoch_ms(ingest_time))::VARCHAR AS ingested, bit_xor(hash(decode(line::BLOB)))::VARCHAR AS lines,
      ${hashes.join(", ")}
    FROM read_parquet(${quoted(files)}, binary_as_string = false, hive_partitioning = false)`;
}
