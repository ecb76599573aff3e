import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import type { HourObject } from "@trueclick/archive/domain/manifestObject";
import { listHourObjects } from "@trueclick/archive/hourObjects";
import type { Database } from "@trueclick/db/postgres/database";
import { HOUR_MS } from "@trueclick/shared/time";
import { z } from "zod";
import type { ArchivedBlock } from "../domain/recount.ts";
import { type ArchivedHours, ObjectRowsDifferError } from "../ports/archivedHours.ts";

const SETTINGS: ClickHouseSettings = {
  // `event_hour=` in a path is no column of ours.
  use_hive_partitioning: 0,
  // The names of objects are part of the text.
  max_query_size: String(64 * 1_048_576),
};

const rowsSchema = z.array(z.object({ path: z.string(), rows: z.coerce.number() }));
const linesSchema = z.array(
  z.object({
    place: z.string().transform(BigInt),
    index: z.number(),
    append_ms: z.coerce.number(),
    line: z.string(),
  }),
);
type Line = z.infer<typeof linesSchema>[number];

/** Reads archived hours by the manifest in Postgres, through the ClickHouse engine. */
export function createClickHouseArchivedHours(
  { db, clickhouse }: { readonly db: Database; readonly clickhouse: ClickHouseClient },
  objects: ClickHouseObjects,
  topic: string,
): ArchivedHours {
  const ask = async (name: string, query: string, params: Record<string, unknown> = {}) => {
    const answer = await clickhouse.query({
      query,
      query_params: params,
      format: "JSONEachRow",
      clickhouse_settings: { ...SETTINGS, log_comment: name },
    });
    return answer.json();
  };

  async function assertWhole(hour: readonly HourObject[]): Promise<void> {
    const paths = hour.map(({ path }) => path);
    const sql = `SELECT path, count() AS rows FROM ${objects.rowsOf(paths)} GROUP BY path`;
    const found = rowsSchema.parse(await ask("backfill.objects", sql));
    const rowsOf = new Map(found.map(({ path, rows }) => [path, rows]));
    for (const { path, rows } of hour) {
      const actual = rowsOf.get(path) ?? 0;
      if (actual === rows) continue;
      throw new ObjectRowsDifferError(`${path} has ${actual} rows, the manifest says ${rows}`);
    }
  }

  return {
    async partitionsOf(hourMs) {
      const range = { fromMs: hourMs, toMs: hourMs + HOUR_MS };
      const hour = await listHourObjects(db, topic, range);
      if (hour.length > 0) await assertWhole(hour);
      return [...Map.groupBy(hour, ({ partition }) => partition)].map(([partition, own]) => ({
        partition,
        rows: own.reduce((sum, { rows }) => sum + rows, 0),
        paths: own.map(({ path }) => path),
      }));
    },

    async read({ partition, paths }, { fromMs, toMs }, nextOffset) {
      const sql = `
        SELECT toString(offset) AS place, \`index\`, toUnixTimestamp64Milli(append_time) AS append_ms,
          line
        FROM ${objects.rowsOf(paths)}
        WHERE NOT unparseable AND partition = {partition: Int32}
          AND offset < {next_offset: Int64}
          AND toUnixTimestamp64Milli(event_time) >= {from: Int64}
          AND toUnixTimestamp64Milli(event_time) < {to: Int64}
        ORDER BY offset, \`index\``;
      const params = { partition, next_offset: nextOffset.toString(), from: fromMs, to: toMs };
      return toBlocks(linesSchema.parse(await ask("backfill.read", sql, params)));
    },
  };
}

/** Lines of one record, which lie one behind the other, as the block that they are a part of. */
function toBlocks(lines: readonly Line[]): ArchivedBlock[] {
  const blocks: ArchivedBlock[] = [];
  for (let from = 0; from < lines.length; ) {
    const first = lines[from];
    if (first === undefined) break;
    let to = from;
    while (lines[to]?.place === first.place) to += 1;
    const own = lines.slice(from, to);
    blocks.push({
      offset: first.place,
      appendTimeMs: first.append_ms,
      indexes: own.map(({ index }) => index),
      value: Buffer.from(own.map(({ line }) => line).join("\n")),
    });
    from = to;
  }
  return blocks;
}
