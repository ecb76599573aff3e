import { hash } from "node:crypto";
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { parseObjectPath } from "@trueclick/archive/domain/objectPath";
import { runQuery } from "@trueclick/db/clickhouse/reader";
import { SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import {
  CREDITED_CELLS,
  countClicksSql,
  creditSql,
  indexClicksSql,
  type JudgedEvents,
  stageConversionsSql,
} from "../domain/attributionSql.ts";
import { canonicalJson } from "../domain/canonicalJson.ts";
import type { Slice } from "../domain/slices.ts";
import type { TakenOver } from "../domain/takenOver.ts";
import type { AttributionEngine, JudgedDay } from "../ports/attribution.ts";
import type { Build } from "../ports/truthEngine.ts";
import { buildParams, heldRows, OWN_ROWS } from "./heldBuild.ts";
import { USED_ONCE } from "./usedOnce.ts";

const SETTINGS: ClickHouseSettings = {
  ...USED_ONCE,
  // As in judging: `event_hour=` in a path is no column of ours, names of objects are part of the
  // text, and the reader of Parquet loses columns that a condition moved there shares.
  use_hive_partitioning: 0,
  max_query_size: "67108864",
  optimize_move_to_prewhere: 0,
  max_bytes_before_external_group_by: "536870912",
};

const count = z.coerce.number().int().nonnegative();

const conversionHoursSql = (takenOver: readonly TakenOver[]) => `
  SELECT toUnixTimestamp(event_hour) AS seconds, sum(hour.conversions) AS conversions
  FROM truth_hours AS hour
  WHERE ${heldRows("truth_hours", takenOver)}
  GROUP BY event_hour
  HAVING conversions > 0
  ORDER BY event_hour`;

const COUNT_STAGED =
  "SELECT count() AS staged FROM staged_conversions WHERE build_id = {buildId: UInt64}";

// A sum modulo 2^128: hashes a set of any size without sorting it, as rejects are hashed.
const DECIDED = `
  SELECT count() AS conversions, countIf(not_credited = '') AS credited,
    lower(hex(sum(reinterpretAsUInt128(sipHash128(campaign_id, partition, offset, \`index\`,
      value_micros, named_by, window_days, not_credited, click_partition, click_offset,
      click_index))))) AS digest
  FROM truth_conversions
  WHERE ${OWN_ROWS}`;

const CREDITED_LINES = `
  SELECT campaign_id AS campaignId, sum(cell.credited) AS credited,
    toString(sum(cell.credited_value_micros)) AS valueMicros
  FROM truth_cube AS cell
  WHERE ${OWN_ROWS} AND cell.credited > 0
  GROUP BY campaign_id
  ORDER BY campaign_id`;

/** Credits conversions on the objects themselves and on `truth_clicks`. */
export function createClickHouseAttribution(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
): AttributionEngine {
  const write = async (name: string, query: string, params: Record<string, unknown>) => {
    await clickhouse.command({
      query,
      query_params: params,
      clickhouse_settings: { ...SETTINGS, log_comment: name },
    });
  };
  const eventsOf = ({ inputs, takenOver }: Build, slice: Slice): JudgedEvents => ({
    rows: objects.rowsOf(slice.objects.map(({ path }) => path)),
    firstHourMs: slice.firstHourMs,
    lastHourMs: slice.lastHourMs,
    bounds: inputs.bounds,
    campaignIds: inputs.campaigns.map(({ id }) => id),
    evidence: heldRows("truth_rejects", takenOver),
    later: [],
  });

  return {
    model: attributionModel(),

    conversionHours: (build) => readConversionHours(clickhouse, build),

    async stageConversions(build, slice) {
      const sql = stageConversionsSql(eventsOf(build, slice));
      await write("attribution.stage", sql, buildParams(build));
    },

    async countStaged({ jobId }) {
      const rows = await runQuery(clickhouse, {
        name: "attribution.staged",
        params: { buildId: jobId.toString() },
        row: z.object({ staged: count }),
        sql: COUNT_STAGED,
      });
      return rows[0]?.staged ?? 0;
    },

    async findOwnClicks(build, slice) {
      const params = { ...buildParams(build), clicksOf: ownClicksOf(build) };
      await write("attribution.own", indexClicksSql(eventsOf(build, slice), true), params);
    },

    async indexClicks(day, slice) {
      const { bounds, campaignIds } = day;
      const { firstHourMs, lastHourMs } = slice;
      const rows = objects.rowsOf(slice.objects.map(({ path }) => path));
      const hours = { firstHourMs, lastHourMs };
      const evidence = heldRows("truth_rejects", day.takenOver);
      const later = laterRows(day, slice);
      const events = { rows, ...hours, bounds, campaignIds, evidence, later };
      const params = {
        advertiserId: day.advertiserId,
        billingDay: day.billingDay,
        buildId: day.buildId.toString(),
      };
      const clicksOf = { ...params, clicksOf: day.judgedHash };
      await write("attribution.index", indexClicksSql(events, false), clicksOf);
      const counted = await clickhouse.query({
        query: countClicksSql(events),
        query_params: params,
        format: "JSONEachRow",
        clickhouse_settings: { ...SETTINGS, log_comment: "attribution.countIndexed" },
      });
      return z.tuple([z.object({ clicks: count })]).parse(await counted.json())[0].clicks;
    },

    async credit(build, attribution, hours) {
      const earlier = attribution.lookback.flatMap(({ judgedHash }) => judgedHash ?? []);
      const params = { ...buildParams(build), clicksOf: [ownClicksOf(build), ...earlier] };
      const sql = creditSql(attribution, build.inputs.campaigns, hours);
      await write("attribution.credit", sql, params);
    },

    addCells: (build) => write("attribution.cells", CREDITED_CELLS, buildParams(build)),

    summarize: (build) => summarize(clickhouse, build),
  };
}

async function readConversionHours(clickhouse: ClickHouseClient, build: Build) {
  const rows = await runQuery(clickhouse, {
    name: "attribution.hours",
    params: buildParams(build),
    row: z.object({ seconds: count, conversions: count }),
    sql: conversionHoursSql(build.takenOver),
  });
  return rows.map(({ seconds, conversions }) => ({ hourMs: seconds * SECOND_MS, conversions }));
}

const ownClicksOf = ({ jobId }: Build) => `build:${jobId}`;

/** Names the SQL that credits: other text, other model. */
function attributionModel(): string {
  const text = canonicalJson(attributionProgram());
  return `last_valid_click-${hash("sha256", text).slice(0, 12)}`;
}

/** The SQL that credits, by the names of its queries. */
export function attributionProgram(): Record<string, string> {
  const hours = { firstHourMs: 0, lastHourMs: 0 };
  const bounds = { fromMs: 0, toMs: 0 };
  const later = [{ partition: 0, eventHourMs: 0, lastOffset: 0n }];
  const evidence = heldRows("truth_rejects", []);
  const events = { rows: "rows", ...hours, bounds, campaignIds: [], evidence, later };
  return {
    "attribution.hours": conversionHoursSql([]),
    "attribution.stage": stageConversionsSql(events),
    "attribution.staged": COUNT_STAGED,
    "attribution.own": indexClicksSql(events, true),
    "attribution.index": indexClicksSql(events, false),
    "attribution.countIndexed": countClicksSql(events),
    "attribution.credit": creditSql({ windows: [] }, [], hours),
    "attribution.cells": CREDITED_CELLS,
    "attribution.decided": DECIDED,
    "attribution.lines": CREDITED_LINES,
  };
}

/** Offsets of merged objects past those that the day's count had seen. */
function laterRows(day: JudgedDay, slice: Slice): JudgedEvents["later"] {
  const seen = new Map<string, bigint>();
  for (const path of day.pinnedPaths) {
    const name = parseObjectPath(path);
    if (name === null) continue;
    const key = `${name.partition}/${name.eventHourMs}`;
    const before = seen.get(key) ?? -1n;
    seen.set(key, name.lastOffset > before ? name.lastOffset : before);
  }
  const later = new Map<string, JudgedEvents["later"][number]>();
  for (const { path } of slice.objects) {
    const name = parseObjectPath(path);
    if (name === null) continue;
    const { partition, eventHourMs } = name;
    const lastOffset = seen.get(`${partition}/${eventHourMs}`) ?? -1n;
    if (name.lastOffset <= lastOffset) continue;
    later.set(`${partition}/${eventHourMs}`, { partition, eventHourMs, lastOffset });
  }
  return [...later.values()];
}

const decidedRow = z.object({ conversions: count, credited: count, digest: z.string() });
const lineRow = z.object({
  campaignId: z.string(),
  credited: count,
  valueMicros: z.coerce.bigint(),
});

async function summarize(clickhouse: ClickHouseClient, build: Build) {
  const [decided, lines] = await Promise.all([
    runQuery(clickhouse, {
      name: "attribution.decided",
      params: buildParams(build),
      row: decidedRow,
      sql: DECIDED,
    }),
    runQuery(clickhouse, {
      name: "attribution.lines",
      params: buildParams(build),
      row: lineRow,
      sql: CREDITED_LINES,
    }),
  ]);
  return { ...(decided[0] ?? { conversions: 0, credited: 0, digest: "" }), lines };
}
