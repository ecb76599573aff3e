import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { countSql, type JudgeInputs, lookedAt } from "../domain/judgeSql.ts";
import { followingClicks } from "../domain/keysSql.ts";
import {
  dropRows,
  insertCube,
  insertKeys,
  insertRejects,
  insertSuspectIds,
  insertSuspects,
  KEYS_ON_DISK,
  SLICE_TABLES,
} from "../domain/sliceSql.ts";
import type { Slice } from "../domain/slices.ts";
import { tokenBearers } from "../domain/tokenUses.ts";
import {
  dropUnlinkedSql,
  findUnlinkedSql,
  lookbackHours,
  rulesThatMeet,
} from "../domain/unlinkedSql.ts";
import type { Build, CountedRows, TruthEngine } from "../ports/truthEngine.ts";
import { learnAgents } from "./clickhouseAgentFacts.ts";
import { summarizeBuild } from "./clickhouseBuildSummary.ts";
import { findCopies } from "./clickhouseFindCopies.ts";
import { askFollowed } from "./clickhouseFollowed.ts";
import { addUpHours } from "./clickhouseHourSums.ts";
import { requireObjects, requireSieved } from "./clickhouseReadChecks.ts";
import { type SievePart, SUSPECTS_AT_ONCE, sieveParts } from "./clickhouseSieve.ts";
import { createSliceKeys, KEYS_MEMORY, type SliceKeys } from "./clickhouseSliceKeys.ts";
import { countUsers } from "./clickhouseUsers.ts";
import {
  type DatacenterRanges,
  loadDatacenterNetworks,
  requireNetworks,
} from "./datacenterRanges.ts";
import { USED_ONCE } from "./usedOnce.ts";

const MEBIBYTE = 1_048_576;
/** Of one query. Slices are judged side by side, each by one thread: so they share no hash table. */
const THREADS = 1;
const SETTINGS: ClickHouseSettings = {
  ...USED_ONCE,
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

/**
 * For keys and what they tell: nothing that a condition guards fails or is dear, so every branch is worked out for all
 * rows; to cut out the rows of each and put them back takes longer.
 */
const HASHING: ClickHouseSettings = { ...NARROWED, short_circuit_function_evaluation: "disable" };

/**
 * Of keys in memory a block is what is read at once, and what one thread takes: as many rows as blocks have
 * that are read of disk.
 */
const BLOCK_ROWS = 65_536;
const KEEPING = inBlocksOf(BLOCK_ROWS);

/**
 * Keys on disk are written in parts of so many rows. Of two slices of a busy day that are written at once, parts
 * of a million rows, the default, are what a whole count has most of in memory.
 */
const PART_ROWS = 262_144;
const WRITING = inBlocksOf(PART_ROWS);

function inBlocksOf(rows: number): ClickHouseSettings {
  return {
    ...HASHING,
    min_insert_block_size_rows: String(rows),
    min_insert_block_size_bytes: "0",
  };
}

/**
 * With several threads a query. Else the engine gives one to each 240 MB that are read of a table, and to each
 * GiB that is free of its memory: one in all.
 */
const SEVERAL_THREADS: ClickHouseSettings = {
  merge_tree_min_bytes_for_concurrent_read: String(MEBIBYTE),
  merge_tree_min_rows_for_concurrent_read: "65536",
  max_threads_min_free_memory_per_thread: "0",
};

const withThreads = (settings: ClickHouseSettings, threads: number): ClickHouseSettings => ({
  ...settings,
  ...(threads > 1 && SEVERAL_THREADS),
  max_threads: threads,
});

const whole = z.coerce.number().int();
const countRow = z.object({ hourSeconds: whole, rows: whole, events: whole });

/**
 * Judges in SQL on the objects themselves, and writes `truth_cube` and `truth_rejects`.
 *
 * @param ranges The file that `datacenterRangesSha256` of new jobs names; null without one. Closed days
 *   may name an earlier one, whose networks the engine still has.
 * @param keysMemory How many keys of slices may be in the engine's memory.
 * @param suspectsAtOnce How many suspects of a slice one statement takes.
 */
export function createClickHouseTruthEngine(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  ranges: DatacenterRanges | null = null,
  keysMemory = KEYS_MEMORY,
  suspectsAtOnce = SUSPECTS_AT_ONCE,
): TruthEngine {
  const keys = createSliceKeys(clickhouse, SETTINGS, keysMemory);
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
    findCopies: (campaigns, bounds) => findCopies(clickhouse, campaigns, bounds, SETTINGS),

    isFollowed: (inputs, hour) => askFollowed(clickhouse, objects, inputs, hour, SETTINGS),

    count: ({ inputs }, slice) => countEvents(clickhouse, objects, inputs, slice),

    async prepare(build, slice, threads) {
      const judged = judgedBy(objects, build, slice);
      const { sieved, linked, clicksAfter, inputs, range, needsImpression } = judged;
      // Whether somebody used a token up in another hour depends on who it was.
      const bearers = sieved.copies === null ? null : tokenBearers(sieved.copies);
      for (const looked of [linked.rows, clicksAfter, bearers]) {
        if (looked !== null) await learnAgents(clickhouse, looked, SETTINGS);
      }
      await loadNetworks(build.inputs);
      const write = sliceWriter(clickhouse, threads);
      if (needsImpression) {
        const unlinked = findUnlinkedSql(linked, inputs.rules, inputs.campaigns, range);
        await write("batch.unlinked", unlinked, build, slice);
      }
      const table = await keys.create(build, slice, threads > THREADS);
      const keeping = table === KEYS_ON_DISK ? WRITING : KEEPING;
      await write("batch.keys", insertKeys(sieved, slice, inputs, table), build, slice, keeping);
      const suspectIds = insertSuspectIds(sieved, slice, inputs, table);
      await write("batch.suspectIds", suspectIds, build, slice, HASHING);
      const suspects = insertSuspects(sieved, slice, inputs, table);
      for (const part of await sieveParts(clickhouse, build, slice, suspectsAtOnce, SETTINGS)) {
        await write("batch.sieve", suspects, build, slice, NARROWED, part);
      }
      // Before it is told that a sieve has read too little of them: that would refuse the job.
      await keys.requireWhole(build, slice);
      await requireSieved(clickhouse, build, slice, SETTINGS);
    },

    async judge(build, slice, threads) {
      const { sieved, inputs } = judgedBy(objects, build, slice);
      const write = sliceWriter(clickhouse, threads);
      await write("batch.rejects", insertRejects(sieved, slice, inputs), build, slice);
      const table = keys.tableOf(build, slice);
      await write("batch.cube", insertCube(sieved, slice, inputs, table), build, slice);
      await keys.requireWhole(build, slice);
      await requireObjects(clickhouse, objects, slice, SETTINGS);
    },

    discard: (build, slice) =>
      dropSlice(clickhouse, keys, build, slice, judgedBy(objects, build, slice).needsImpression),

    release: keys.release,

    addUp: (build, hoursMs, threads) =>
      addUpHours(clickhouse, build, hoursMs, withThreads(SETTINGS, threads)),

    countUsers: (build) => countUsers(clickhouse, build),

    summarize: (build, users) => summarizeBuild(clickhouse, build, users),
  };
}

async function countEvents(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  inputs: JudgeInputs,
  slice: Slice,
): Promise<CountedRows> {
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
}

/** What the statements of a slice read, and by which rules. */
function judgedBy(objects: ClickHouseObjects, { inputs }: Build, slice: Slice) {
  const pathsOf = (some: Slice["objects"]) => some.map(({ path }) => path);
  const rowsOf = (some: Slice["objects"]) =>
    some.length === 0 ? null : objects.rowsOf(pathsOf(some));
  const endMs = slice.lastHourMs + HOUR_MS;
  const sieved = {
    rows: objects.rowsOf(pathsOf([...slice.objects, ...slice.following])),
    endMs,
    copies: rowsOf(slice.copies),
  };
  const linked = {
    rows: objects.rowsOf(pathsOf(slice.objects)),
    following: rowsOf(slice.following),
    preceding: rowsOf(slice.preceding),
  };
  const clicksAfter = followingClicks({ ...linked, endMs }, inputs);
  const range = lookedAt(sieved.endMs, inputs);
  const rules = rulesThatMeet(inputs.rules, inputs.campaigns, range);
  const needsImpression = lookbackHours(rules, inputs.campaigns, range) > 0;
  const judging = { ...inputs, rules };
  return { sieved, linked, clicksAfter, range, needsImpression, inputs: judging };
}

async function dropSlice(
  clickhouse: ClickHouseClient,
  keys: SliceKeys,
  build: Build,
  slice: Slice,
  hasUnlinked: boolean,
): Promise<void> {
  const write = sliceWriter(clickhouse, THREADS);
  const ends = await Promise.allSettled([
    keys.drop(build, slice),
    ...SLICE_TABLES.map((table) => write(dropName(table), dropRows(table, slice), build, slice)),
    ...(hasUnlinked
      ? [write("batch.dropUnlinked", dropUnlinkedSql(slice.firstHourMs), build, slice)]
      : []),
  ]);
  const failed = ends.find((end): end is PromiseRejectedResult => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

export const dropName = (table: (typeof SLICE_TABLES)[number]) => `batch.drop.${table}`;

/** Runs statements of a slice. */
function sliceWriter(clickhouse: ClickHouseClient, threads: number) {
  return async (
    name: string,
    query: string,
    { jobId, inputs }: Build,
    slice: Slice,
    settings = SETTINGS,
    params: Partial<SievePart> = {},
  ) => {
    try {
      await clickhouse.command({
        query,
        query_params: {
          advertiserId: inputs.advertiserId,
          billingDay: inputs.billingDay,
          buildId: jobId.toString(),
          sliceHour: slice.firstHourMs / SECOND_MS,
          ...params,
        },
        clickhouse_settings: { ...withThreads(settings, threads), log_comment: name },
      });
    } catch (cause) {
      // The engine says what it lacked, and neither the hour nor the step that it lacked it for.
      const hours = `hours from ${new Date(slice.firstHourMs).toISOString()}`;
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${name} of the ${hours}: ${said}`, { cause });
    }
  };
}
