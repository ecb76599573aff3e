import type { ClickHouseClient } from "@clickhouse/client";
import { parseObjectPath } from "@trueclick/archive/domain/objectPath";
import type { Database } from "@trueclick/db/postgres/database";
import {
  batchJobObjects,
  batchJobSlices,
  batchJobs,
  truthVersions,
} from "@trueclick/db/postgres/schema/truth";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, desc, eq, inArray, sql } from "drizzle-orm";
import type { KnownSlices, SliceRecords } from "../ports/sliceRecords.ts";
import type { Build } from "../ports/truthEngine.ts";

const TABLES = ["truth_rejects", "truth_cube"] as const;

/** Keeps records in `batch_job_slices`; copies within `truth_cube` and `truth_rejects`. */
export function createSliceRecords(db: Database, clickhouse: ClickHouseClient): SliceRecords {
  return {
    async find(job) {
      const { advertiserId, billingDay, id, requestId, state } = batchJobs;
      const ofPartition = and(eq(advertiserId, job.advertiserId), eq(billingDay, job.billingDay));
      const [last] = await db
        .select({ id })
        .from(batchJobs)
        .where(and(ofPartition, inArray(state, ["published", "verified"])))
        .orderBy(desc(id))
        .limit(1);
      const attempts = await db
        .select({ id })
        .from(batchJobs)
        .where(
          and(
            ofPartition,
            eq(state, "cancelled"),
            sql`${requestId} = (select own.request_id from ${batchJobs} own where own.id = ${Number(job.id)})`,
          ),
        )
        .orderBy(desc(id));
      const jobIds = [...(last === undefined ? [] : [last]), ...attempts].map((row) => row.id);
      if (jobIds.length === 0) return { slices: [], seen: [] };
      const rows = await db
        .select()
        .from(batchJobSlices)
        .where(inArray(batchJobSlices.jobId, jobIds.map(BigInt)));
      const published = await publishedBuilds(
        db,
        rows.map((row) => row.buildId),
      );
      const rank = new Map(jobIds.map((jobId, at) => [jobId, at]));
      const rankOf = (row: { jobId: bigint }) => rank.get(Number(row.jobId)) ?? 0;
      const slices = rows
        .toSorted((a, b) => rankOf(a) - rankOf(b))
        .map(({ jobId, hours, aloneHash, ...row }) => ({
          ...row,
          hoursMs: hours.map((seconds) => seconds * SECOND_MS),
          aloneHash: Number(jobId) === last?.id ? aloneHash : null,
          isPublished: published.has(row.buildId),
        }));
      return { slices, seen: last === undefined ? [] : await pinnedObjects(db, last.id) };
    },

    async copy(build, slices) {
      for (const [from, own] of Map.groupBy(slices, ({ buildId }) => buildId)) {
        const hours = own.flatMap(({ hoursMs }) => hoursMs.map((hour) => hour / SECOND_MS));
        for (const table of TABLES) await copyRows(clickhouse, table, build, { from, hours });
      }
    },

    async record(jobId, slices) {
      if (slices.length === 0) return;
      const rows = slices.map(({ hoursMs, inputsHash, aloneHash, events, buildId }) => ({
        jobId,
        firstHour: new Date(hoursMs[0] ?? 0),
        hours: hoursMs.map((hour) => hour / SECOND_MS),
        inputsHash,
        aloneHash,
        events,
        buildId,
      }));
      await db.insert(batchJobSlices).values(rows);
    },
  };
}

async function pinnedObjects(db: Database, jobId: number): Promise<KnownSlices["seen"]> {
  const { path, sha256, rows } = batchJobObjects;
  const pinned = await db
    .select({ path, sha256, rows })
    .from(batchJobObjects)
    .where(eq(batchJobObjects.jobId, BigInt(jobId)));
  return pinned.flatMap((object) => {
    const name = parseObjectPath(object.path);
    if (name === null) return [];
    return [{ ...object, rows: Number(object.rows), eventHourMs: name.eventHourMs }];
  });
}

/** Those that versions name. */
async function publishedBuilds(db: Database, builds: readonly bigint[]): Promise<Set<bigint>> {
  const rows = await db
    .select({ jobId: truthVersions.jobId })
    .from(truthVersions)
    .where(inArray(truthVersions.jobId, [...new Set(builds)]));
  return new Set(rows.map(({ jobId }) => jobId));
}

function copySql(table: (typeof TABLES)[number]): string {
  return `
    INSERT INTO ${table}
    SELECT * REPLACE({buildId: UInt64} AS build_id)
    FROM ${table} AS source
    WHERE advertiser_id = {advertiserId: String} AND billing_day = {billingDay: Date}
      -- Unqualified it would be the one that is written.
      AND source.build_id = {from: UInt64}
      AND has({hours: Array(UInt32)}, toUnixTimestamp(event_hour))
      ${table === "truth_cube" ? "-- Conversions are credited anew by every job.\n      AND credited = 0" : ""}`;
}

/** The SQL that slices are taken over by, by the names of its queries. */
export const COPYING_PROGRAM: Readonly<Record<string, string>> = Object.fromEntries(
  TABLES.map((table) => [`batch.copy.${table}`, copySql(table)]),
);

async function copyRows(
  clickhouse: ClickHouseClient,
  table: (typeof TABLES)[number],
  { jobId, inputs }: Build,
  { from, hours }: { readonly from: bigint; readonly hours: readonly number[] },
): Promise<void> {
  await clickhouse.command({
    query: copySql(table),
    query_params: {
      advertiserId: inputs.advertiserId,
      billingDay: inputs.billingDay,
      buildId: jobId.toString(),
      from: from.toString(),
      hours: [...hours],
    },
    clickhouse_settings: { log_comment: `batch.copy.${table}` },
  });
}
