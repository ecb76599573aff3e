/** Where the hot store of a tenant begins. */
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import { hasHotLines } from "../queries/hotLines.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import { HOT_COVERAGE_MS } from "./route.ts";

/**
 * The oldest span that the stream counted for a tenant, epoch milliseconds; null before any. One that
 * is not later than `enoughMs` is as good as the oldest, and is found without looking at all of them.
 *
 * @param beginsWithLine Whether it is known to have a line of the hour of `enoughMs`.
 */
export async function hotFromMs(
  { db, clickhouse, memo }: Pick<Stores, "db" | "clickhouse" | "memo">,
  scope: TenantScope,
  instants: { readonly enoughMs: number; readonly nowMs: number },
  beginsWithLine: Promise<boolean> = Promise.resolve(false),
): Promise<number | null> {
  // Of ranges that follow the clock, most ask the same within an hour.
  const enoughMs = windowStartMs(instants.enoughMs, HOUR_MS);
  // A span that is there stays until it is older than what the hot store is kept for.
  const question = ["hotFromEnough", scope, enoughMs];
  const known = Number(memo?.known(question) ?? Number.NEGATIVE_INFINITY);
  if (known >= instants.nowMs - HOT_COVERAGE_MS) return known;
  // Within the hour, which is as good: hours are whole. Most who ask have a line of that very one.
  if ((await beginsWithLine) || (await hasHotLines({ db }, scope, enoughMs))) {
    memo?.keep(question, String(enoughMs));
    return enoughMs;
  }
  const [early] = await runTenantQuery(clickhouse, scope, {
    name: "hotFromEnough",
    sql: `
      SELECT toUnixTimestamp(span_start) AS seconds
      FROM hot_hours
      WHERE ${TENANT_CONDITION} AND cube = 'ad' AND span_start <= fromUnixTimestamp({enough: Int64})
      LIMIT 1
    `,
    params: { enough: enoughMs / SECOND_MS },
    row: z.object({ seconds: z.coerce.number() }),
  });
  if (early !== undefined) {
    const foundMs = early.seconds * SECOND_MS;
    memo?.keep(question, String(foundMs));
    return foundMs;
  }
  const [row] = await runTenantQuery(clickhouse, scope, {
    name: "hotFromMs",
    sql: `
      SELECT sum(spans) AS spans, toUnixTimestamp(min(oldest)) AS seconds
      FROM (
        SELECT count() AS spans, if(spans = 0, toDateTime(4294967295, 'UTC'), min(window_start)) AS oldest
        FROM hot_minutes
        WHERE ${TENANT_CONDITION} AND cube = 'ad'
        UNION ALL
        SELECT count() AS spans, if(spans = 0, toDateTime(4294967295, 'UTC'), min(span_start)) AS oldest
        FROM hot_hours
        WHERE ${TENANT_CONDITION} AND cube = 'ad'
      )
    `,
    params: {},
    row: z.object({ spans: z.coerce.number(), seconds: z.coerce.number() }),
  });
  return row === undefined || row.spans === 0 ? null : row.seconds * SECOND_MS;
}
