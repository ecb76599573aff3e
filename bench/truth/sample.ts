/** Whether what `dayOfClicks.ts` writes is what the archive's encoder writes of the same events. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { STRUCTURE } from "@trueclick/archive/clickhouseObjects";
import { ARCHIVE_COLUMNS } from "@trueclick/archive/domain/columns";
import { sqlString } from "@trueclick/archive/domain/sqlString";
import { StretchEncoder } from "@trueclick/archive/encode/stretchEncoder";
import { storedEventSchema } from "@trueclick/shared/event/stored";
import { z } from "zod";
import type { TruthWorld } from "./world.ts";

const ROWS = 2_000;
/** What the log adds to an event, and what stands in for the line. */
const NOT_OF_THE_EVENT: readonly string[] = ["partition", "offset", "index", "append_time", "line"];

const sampleRow = z.object({
  offset: z.coerce.bigint(),
  partition: z.number(),
  append_ms: z.coerce.number(),
  line: z.string(),
});
const countRow = z.object({ rows: z.coerce.number() });

/** @throws {Error} if a typed column of one of the first rows differs. */
export async function assertLikeEncoded(world: TruthWorld, path: string): Promise<void> {
  const { clickhouse, objectsDir } = world;
  const settings = { use_hive_partitioning: 0 } as const;
  const written = `file(${sqlString(join(objectsDir, path))}, 'Parquet')`;
  const result = await clickhouse.query({
    query: `SELECT offset, partition, toUnixTimestamp64Milli(append_time) AS append_ms, toJSONString(
        map(${EVENT_COLUMNS.map((name) => `'${name}', ${jsonOf(name)}`).join(", ")})) AS line
      FROM ${written} WHERE _row_number < ${ROWS}`,
    format: "JSONEachRow",
    clickhouse_settings: settings,
  });
  const rows = z.array(sampleRow).parse(await result.json());
  const [first] = rows;
  if (first === undefined) throw new Error(`${path} has no rows`);
  const [encoded] = new StretchEncoder().encode({
    partition: first.partition,
    firstOffset: first.offset,
    records: rows.map(({ offset, append_ms, line }) => ({
      offset,
      appendTimeMs: append_ms,
      value: Buffer.from(JSON.stringify(eventOf(line))),
    })),
  });
  if (encoded === undefined) throw new Error(`${path} has no events`);
  const file = join(objectsDir, "sample.parquet");
  await writeFile(file, encoded.bytes);
  const columns = ARCHIVE_COLUMNS.map(({ name }) => `\`${name}\``).filter(
    (name) => name !== "`line`",
  );
  const compared = await clickhouse.query({
    query: `SELECT count() AS rows FROM (
      SELECT ${columns.join(", ")} FROM file(${sqlString(join(objectsDir, path))}, 'Parquet', ${sqlString(STRUCTURE)})
      WHERE _row_number < ${ROWS}
      INTERSECT
      SELECT ${columns.join(", ")} FROM file(${sqlString(file)}, 'Parquet', ${sqlString(STRUCTURE)}))`,
    format: "JSONEachRow",
    clickhouse_settings: settings,
  });
  const [same] = z.tuple([countRow]).parse(await compared.json());
  if (same.rows !== rows.length) {
    throw new Error(`${same.rows} of ${rows.length} rows are as the encoder writes them`);
  }
}

const EVENT_COLUMNS = ARCHIVE_COLUMNS.map(({ name }) => name).filter(
  (name) => !NOT_OF_THE_EVENT.includes(name) && name !== "unparseable" && name !== "event_id128",
);

/** Texts of all, so that they fit one map; null where the event has none. */
function jsonOf(name: string): string {
  const time = name === "event_time" || name === "ingest_time";
  return time ? `toString(toUnixTimestamp64Milli(\`${name}\`))` : `toString(\`${name}\`)`;
}

/** @throws {Error} if it is no stored event. */
function eventOf(line: string) {
  const texts = z.record(z.string(), z.string().nullable()).parse(JSON.parse(line));
  const present = Object.entries(texts).flatMap(([name, text]) => {
    return text === null ? [] : [[name, typedValue(name, text)] as const];
  });
  return storedEventSchema.parse(Object.fromEntries(present));
}

function typedValue(name: string, text: string): unknown {
  switch (name) {
    case "schema_version":
    case "event_time":
    case "ingest_time":
      return Number(text);
    case "test":
      return text === "true";
    case "flags":
      return text.split(",");
    default:
      return text;
  }
}
