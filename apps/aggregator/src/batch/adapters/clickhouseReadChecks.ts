/** That all statements of a slice read the same rows: an object that is missing gives none, and no error. */
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { unsievedHours } from "../domain/sliceSql.ts";
import type { Slice } from "../domain/slices.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import type { Build } from "../ports/truthEngine.ts";
import { buildParams } from "./heldBuild.ts";

const whole = z.coerce.number().int();
const missingRow = z.object({ hourSeconds: whole, missing: whole });
const countRow = z.tuple([z.object({ rows: whole })]);

/**
 * Every event that a slice's keys told to look for was found by its sieve, and no other: else copies would
 * be taken for valid.
 *
 * @throws {JobRefusedError} naming the hours of which that is not so.
 */
export async function requireSieved(
  clickhouse: ClickHouseClient,
  build: Build,
  slice: Slice,
  settings: ClickHouseSettings,
): Promise<void> {
  const result = await clickhouse.query({
    query: unsievedHours(slice),
    query_params: buildParams(build),
    format: "JSONEachRow",
    clickhouse_settings: { ...settings, log_comment: "batch.sieved" },
  });
  const rows = z.array(missingRow).parse(await result.json());
  if (rows.length === 0) return;
  const hours = rows.map(({ hourSeconds, missing }) => {
    const count = missing > 0 ? `${missing} too few` : `${-missing} too many`;
    return `${hourOf(hourSeconds * SECOND_MS)} (${count})`;
  });
  throw new JobRefusedError(
    `the sieve read other events than the keys in hour ${hours.join(", hour ")}`,
  );
}

/**
 * All that a slice was judged by is still where it was, once nothing of it will be read any more. An object
 * that is gone does not come back: so whatever read it before has read it whole.
 *
 * @throws {JobRefusedError} naming the hours that were judged.
 */
export async function requireObjects(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  slice: Slice,
  settings: ClickHouseSettings,
): Promise<void> {
  const others = [slice.following, slice.copies, slice.preceding].flat();
  // Rows of its own objects are compared with its keys, and these with its sieve.
  if (others.length === 0) return;
  const rowsByPath = new Map([...slice.objects, ...others].map(({ path, rows }) => [path, rows]));
  const expected = [...rowsByPath.values()].reduce((sum, rows) => sum + rows, 0);
  const result = await clickhouse.query({
    query: countRowsSql(objects.rowsOf([...rowsByPath.keys()])),
    format: "JSONEachRow",
    clickhouse_settings: { ...settings, log_comment: "batch.objects" },
  });
  const [{ rows }] = countRow.parse(await result.json());
  if (rows === expected) return;
  const [first, last] = [hourOf(slice.firstHourMs), hourOf(slice.lastHourMs + HOUR_MS)];
  throw new JobRefusedError(
    `once the hours from ${first} to ${last} were judged, the objects that they were judged by ` +
      `had ${rows} rows, and not ${expected}`,
  );
}

const hourOf = (ms: number) => new Date(ms).toISOString();

/** By what the objects say of themselves: none of their columns is read. */
const countRowsSql = (rows: string) => `SELECT count() AS rows FROM ${rows}`;

/** The SQL of these checks, by the names of its queries. */
export const READ_CHECKS_PROGRAM: Readonly<Record<string, string>> = {
  "batch.sieved": unsievedHours({ firstHourMs: 0 }),
  "batch.objects": countRowsSql("rows"),
};
