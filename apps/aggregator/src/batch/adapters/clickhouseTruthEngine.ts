import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { hoursTouched, type InstantRange } from "@trueclick/shared/calendar";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { rulesInForce, STANDARD_RULES } from "@trueclick/shared/verdict/rules";
import { z } from "zod";
import { campaignRows } from "../domain/campaignSql.ts";
import { isFollowedSql } from "../domain/followedSql.ts";
import type { PinnedCampaign } from "../domain/inputs.ts";
import { countSql, type JudgeInputs, lookedAt } from "../domain/judgeSql.ts";
import { followingClicks } from "../domain/keysSql.ts";
import {
  dropRows,
  insertCube,
  insertKeys,
  insertRejects,
  insertSuspects,
} from "../domain/sliceSql.ts";
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
import { askFollowed } from "./clickhouseFollowed.ts";
import { addUpHours } from "./clickhouseHourSums.ts";
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

/** For queries whose conditions share nothing: columns are only read where the conditions hold. */
const NARROWED: ClickHouseSettings = { ...SETTINGS, optimize_move_to_prewhere: 1 };

const whole = z.coerce.number().int();
const countRow = z.object({ hourSeconds: whole, rows: whole, events: whole });
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

    isFollowed: (inputs, hour) => askFollowed(clickhouse, objects, inputs, hour, SETTINGS),

    async count({ inputs }, slice) {
      const rows = objects.rowsOf(slice.objects.map(({ path }) => path));
      const result = await clickhouse.query({
        query: countSql(rows, inputs),
        format: "JSONEachRow",
        clickhouse_settings: { ...SETTINGS, log_comment: "batch.count" },
      });
      const counted = z.array(countRow).parse(await result.json());
      return {
        rows: counted.reduce((sum, hour) => sum + hour.rows, 0),
        eventsByHour: new Map(
          counted.map(({ hourSeconds, events }) => [hourSeconds * SECOND_MS, events]),
        ),
      };
    },

    async judge(build, slice, threads) {
      const rows = objects.rowsOf(slice.objects.map(({ path }) => path));
      const sieved = {
        rows,
        endMs: slice.lastHourMs + HOUR_MS,
        following: rowsOf(slice.following),
        copies: rowsOf(slice.copies),
      };
      // Whether somebody used a token up in another hour depends on who it was.
      const bearers = sieved.copies === null ? null : tokenBearers(sieved.copies);
      for (const looked of [rows, followingClicks(sieved, build.inputs), bearers]) {
        if (looked !== null) await learnAgents(clickhouse, looked, SETTINGS);
      }
      await loadNetworks(build.inputs);
      const range = lookedAt(sieved.endMs, build.inputs);
      const write = sliceWriter(clickhouse, threads);
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
      await write("batch.keys", insertKeys(sieved, slice, inputs), build, slice, NARROWED);
      await write("batch.sieve", insertSuspects(sieved, slice, inputs), build, slice, NARROWED);
      await write("batch.rejects", insertRejects(sieved, slice, inputs), build, slice);
      await write("batch.cube", insertCube(sieved, slice, inputs), build, slice);
      await write("batch.dropKeys", dropRows("truth_keys", slice), build, slice);
      await write("batch.dropSuspects", dropRows("truth_suspects", slice), build, slice);
      if (needsImpression) {
        await write("batch.dropUnlinked", dropUnlinkedSql(slice.firstHourMs), build, slice);
      }
    },

    addUp: (build, hoursMs, threads) =>
      addUpHours(clickhouse, build, hoursMs, { ...SETTINGS, max_threads: threads }),

    summarize: (build) => summarizeBuild(clickhouse, build),
  };
}

/** Runs statements of a slice. */
function sliceWriter(clickhouse: ClickHouseClient, threads: number) {
  return async (
    name: string,
    query: string,
    { jobId, inputs }: Build,
    slice: Slice,
    settings = SETTINGS,
  ) => {
    await clickhouse.command({
      query,
      query_params: {
        advertiserId: inputs.advertiserId,
        billingDay: inputs.billingDay,
        buildId: jobId.toString(),
        sliceHour: slice.firstHourMs / SECOND_MS,
      },
      clickhouse_settings: { ...settings, max_threads: threads, log_comment: name },
    });
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
  const followed = { rows: "rows", endMs: 2, kept: "kept", added: "added" };
  return {
    "batch.findCopies": findCopiesSql(campaignRows(inputs.campaigns)),
    "batch.followed": isFollowedSql(followed, inputs) ?? "",
    "batch.count": countSql("rows", inputs),
    "batch.unlinked": findUnlinkedSql(linked, inputs.rules, inputs.campaigns, range),
    "batch.keys": insertKeys(sieved, slice, inputs),
    "batch.sieve": insertSuspects(sieved, slice, inputs),
    "batch.rejects": insertRejects(sieved, slice, inputs),
    "batch.cube": insertCube(sieved, slice, inputs),
    "batch.dropKeys": dropRows("truth_keys", slice),
    "batch.dropSuspects": dropRows("truth_suspects", slice),
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
