import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { hoursTouched, type InstantRange } from "@trueclick/shared/calendar";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { rulesInForce, STANDARD_RULES } from "@trueclick/shared/verdict/rules";
import { z } from "zod";
import { campaignRows } from "../domain/campaignSql.ts";
import { cubeSql } from "../domain/cubeSql.ts";
import { JUDGED_COLUMNS } from "../domain/eventSql.ts";
import type { PinnedCampaign } from "../domain/inputs.ts";
import { eventCountSql, type JudgeInputs, lookedAt, rejectsSql } from "../domain/judgeSql.ts";
import { type SievedRows, sieveSql } from "../domain/sieveSql.ts";
import type { Slice } from "../domain/slices.ts";
import { tokenBearers } from "../domain/tokenUses.ts";
import {
  dropUnlinkedSql,
  findUnlinkedSql,
  lookbackHours,
  rulesThatMeet,
} from "../domain/unlinkedSql.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import type { Build, TruthEngine } from "../ports/truthEngine.ts";
import { learnAgents } from "./clickhouseAgentFacts.ts";
import { summarizeBuild } from "./clickhouseBuildSummary.ts";
import {
  type DatacenterRanges,
  loadDatacenterNetworks,
  requireNetworks,
} from "./datacenterRanges.ts";

/** Objects with copies of one day's ids. Past it a source reuses its ids, and a person must look. */
const COPY_OBJECTS_MAX = 20_000;

const MEBIBYTE = 1_048_576;
/** Of one query. Slices are judged side by side, each by one thread: so they share no hash table. */
const THREADS = 1;
const SETTINGS: ClickHouseSettings = {
  // `event_hour=` in a path is no column of ours.
  use_hive_partitioning: 0,
  // The names of objects and the pinned inputs are part of the text.
  max_query_size: String(64 * MEBIBYTE),
  max_threads: THREADS,
  max_bytes_before_external_group_by: String(512 * MEBIBYTE),
  // The reader of Parquet loses columns that a condition moved there shares with the rest of the
  // query (ClickHouse 26.7: "Not found column … in block").
  optimize_move_to_prewhere: 0,
};

const countRow = z.object({ rows: z.coerce.number().int(), events: z.coerce.number().int() });
const pathRow = z.object({ path: z.string() });

/**
 * Judges in SQL on the objects themselves, and writes `truth_cube` and `truth_rejects`.
 *
 * @param ranges The file that `datacenterRangesSha256` of new jobs names; null without one. Closed days
 *   may name an earlier one, whose networks the engine still has.
 */
export function createClickHouseTruthEngine(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  ranges: DatacenterRanges | null = null,
): TruthEngine {
  const rowsOf = (slice: readonly { readonly path: string }[]) =>
    slice.length === 0 ? null : objects.rowsOf(slice.map(({ path }) => path));
  const write = async (name: string, query: string, { jobId, inputs }: Build, slice: Slice) => {
    await clickhouse.command({
      query,
      query_params: {
        advertiserId: inputs.advertiserId,
        billingDay: inputs.billingDay,
        buildId: jobId.toString(),
        sliceHour: slice.firstHourMs / SECOND_MS,
      },
      clickhouse_settings: { ...SETTINGS, log_comment: name },
    });
  };
  let networksLoaded: Promise<void> | null = null;
  const loadNetworks = async ({ datacenterRangesSha256: pinned }: JudgeInputs) => {
    if (pinned === null) return;
    if (pinned !== ranges?.sha256) return requireNetworks(clickhouse, pinned);
    networksLoaded ??= loadDatacenterNetworks(clickhouse, ranges);
    try {
      await networksLoaded;
    } catch (cause) {
      networksLoaded = null;
      throw cause;
    }
  };

  return {
    findCopies: (campaigns, bounds) => findCopies(clickhouse, campaigns, bounds),

    async count({ inputs }, slice) {
      const rows = objects.rowsOf(slice.objects.map(({ path }) => path));
      const result = await clickhouse.query({
        query: countSql(rows, inputs),
        format: "JSONEachRow",
        clickhouse_settings: { ...SETTINGS, log_comment: "batch.count" },
      });
      return z.tuple([countRow]).parse(await result.json())[0];
    },

    async judge(build, slice) {
      const rows = objects.rowsOf(slice.objects.map(({ path }) => path));
      const sieved = {
        rows,
        endMs: slice.lastHourMs + HOUR_MS,
        following: rowsOf(slice.following),
        copies: rowsOf(slice.copies),
      };
      const looked = [...slice.objects, ...slice.following].map(({ path }) => path);
      await learnAgents(clickhouse, objects.rowsOf(looked), SETTINGS);
      // Whether somebody used a token up depends on who it was.
      if (sieved.copies !== null) {
        await learnAgents(clickhouse, tokenBearers(sieved.copies), SETTINGS);
      }
      await loadNetworks(build.inputs);
      const range = lookedAt(sieved.endMs, build.inputs);
      const rules = rulesThatMeet(build.inputs.rules, build.inputs.campaigns, range);
      const inputs = { ...build.inputs, rules };
      const needsImpression = lookbackHours(rules, inputs.campaigns, range) > 0;
      if (needsImpression) {
        const linked = { ...sieved, preceding: rowsOf(slice.preceding) };
        await write(
          "batch.unlinked",
          findUnlinkedSql(linked, rules, inputs.campaigns, range),
          build,
          slice,
        );
      }
      await write("batch.sieve", insertSuspects(sieved, slice, inputs), build, slice);
      await write("batch.rejects", insertRejects(sieved, slice, inputs), build, slice);
      await write("batch.cube", insertCube(sieved, slice, inputs), build, slice);
      await write("batch.dropSuspects", dropSuspects(slice), build, slice);
      if (needsImpression) {
        await write("batch.dropUnlinked", dropUnlinkedSql(slice.firstHourMs), build, slice);
      }
    },

    summarize: (build) => summarizeBuild(clickhouse, build),
  };
}

/** The SQL that judges, by the names of its queries, for inputs in which every rule has a say. */
export function judgingProgram(): Record<string, string> {
  const changing = [0, 1].map((effectiveFromMs) => ({ effectiveFromMs, cpcMicros: 1n }));
  const campaign = {
    id: campaignIdSchema.parse("cmp_1"),
    startsMs: 1,
    endsMs: null,
    rates: changing,
    statuses: [],
    requirements: [{ effectiveFromMs: 1, required: true }],
  };
  const range = { fromMs: 0, toMs: 2 };
  const inputs = {
    campaigns: [campaign],
    rules: rulesInForce(
      STANDARD_RULES.map((rule) => ({ ...rule, enabled: true })),
      range,
    ),
    decisions: [
      { id: 1, scope: { publisher_id: "", user_id: "" }, fromMs: 0, toMs: 1 },
      { id: 2, scope: { publisher_id: "" }, fromMs: 0, toMs: 1 },
    ],
    agentLibraries: "",
    datacenterRangesSha256: "",
    bounds: range,
  };
  const slice = { firstHourMs: 0 };
  const sieved = { rows: "rows", endMs: 2, following: "following", copies: "copies" };
  const linked = { ...sieved, preceding: "preceding" };
  return {
    "batch.findCopies": findCopiesSql(campaignRows(inputs.campaigns)),
    "batch.count": countSql("rows", inputs),
    "batch.unlinked": findUnlinkedSql(linked, inputs.rules, inputs.campaigns, range),
    "batch.sieve": insertSuspects(sieved, slice, inputs),
    "batch.rejects": insertRejects(sieved, slice, inputs),
    "batch.cube": insertCube(sieved, slice, inputs),
    "batch.dropSuspects": dropSuspects(slice),
    "batch.dropUnlinked": dropUnlinkedSql(slice.firstHourMs),
  };
}

async function findCopies(
  clickhouse: ClickHouseClient,
  campaigns: readonly PinnedCampaign[],
  bounds: InstantRange,
): Promise<string[]> {
  const hours = hoursTouched(bounds);
  const [first, last] = [hours.at(0), hours.at(-1)];
  if (first === undefined || last === undefined) return [];
  const result = await clickhouse.query({
    query: findCopiesSql(campaignRows(campaigns)),
    query_params: {
      fromSeconds: first / SECOND_MS,
      toSeconds: (last + HOUR_MS) / SECOND_MS,
      limit: COPY_OBJECTS_MAX + 1,
    },
    format: "JSONEachRow",
    clickhouse_settings: { ...SETTINGS, log_comment: "batch.findCopies" },
  });
  const rows = z.array(pathRow).parse(await result.json());
  if (rows.length > COPY_OBJECTS_MAX) {
    throw new JobRefusedError(
      `ids of this day come back in more than ${COPY_OBJECTS_MAX} objects of other hours: ` +
        "a source gives the same ids to different events",
    );
  }
  return rows.map(({ path }) => path);
}

/** Rows that a search wrote twice change nothing. */
function findCopiesSql(campaigns: string): string {
  return `
    SELECT DISTINCT arrayJoin(paths) AS path
    FROM (
      SELECT groupUniqArray(path) AS paths
      FROM event_copies
      WHERE campaign_id IN (SELECT campaign_id FROM (${campaigns}))
      GROUP BY event_id
      HAVING min(event_hour) != max(event_hour)
        AND countIf(event_hour >= {fromSeconds: UInt32} AND event_hour < {toSeconds: UInt32}) > 0
    )
    LIMIT {limit: UInt32}`;
}

function countSql(rows: string, inputs: Parameters<typeof eventCountSql>[1]): string {
  return `SELECT
    (SELECT count() FROM ${rows}) AS rows,
    (${eventCountSql(rows, inputs)}) AS events`;
}

type SliceName = Pick<Slice, "firstHourMs">;

function insertSuspects(
  sieved: SievedRows,
  { firstHourMs }: SliceName,
  inputs: JudgeInputs,
): string {
  return `
    INSERT INTO truth_suspects (build_id, slice_hour, ${JUDGED_COLUMNS.join(", ")})
    SELECT {buildId: UInt64}, fromUnixTimestamp(${firstHourMs / SECOND_MS}), *
    FROM (${sieveSql(sieved, inputs)})`;
}

function suspectRows({ firstHourMs }: SliceName): string {
  return `(SELECT * FROM truth_suspects
      WHERE build_id = {buildId: UInt64}
        AND slice_hour = fromUnixTimestamp(${firstHourMs / SECOND_MS}))`;
}

function dropSuspects({ firstHourMs }: SliceName): string {
  return `ALTER TABLE truth_suspects
    DROP PARTITION ({buildId: UInt64}, fromUnixTimestamp(${firstHourMs / SECOND_MS}))`;
}

function insertRejects(
  { endMs, copies }: SievedRows,
  slice: SliceName,
  inputs: JudgeInputs,
): string {
  const judged = { own: suspectRows(slice), endMs, copies };
  return `
    INSERT INTO truth_rejects
      (advertiser_id, billing_day, build_id, campaign_id, event_hour, partition, offset, \`index\`,
        event_id, event_type, verdict, matched)
    SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, campaign_id,
      toStartOfHour(fromUnixTimestamp64Milli(event_time_ms, 'UTC')), partition, offset, \`index\`,
      event_id, event_type, verdict, matched
    FROM (${rejectsSql(judged, inputs)})`;
}

function insertCube(
  { rows, endMs }: SievedRows,
  slice: SliceName,
  inputs: Parameters<typeof cubeSql>[1],
): string {
  const { firstHourMs } = slice;
  const suspects = suspectRows(slice);
  return `
    INSERT INTO truth_cube
      (advertiser_id, billing_day, build_id, campaign_id, event_hour, ad_id, publisher_id, geo,
        device, event_type, verdict, events, cost_micros, users)
    SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, *
    FROM (${cubeSql({ rows, suspects, firstHourMs, endMs }, inputs)})`;
}
