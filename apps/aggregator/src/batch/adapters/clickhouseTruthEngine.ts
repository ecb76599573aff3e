import { hash } from "node:crypto";
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { hoursTouched } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { campaignRows, eventCountSql, type JudgeInputs, judgeSql } from "../domain/judgeSql.ts";
import { STANDARD_RULES } from "../domain/rules.ts";
import type { Slice } from "../domain/slices.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import type { Build, TruthEngine } from "../ports/truthEngine.ts";
import { summarizeBuild } from "./clickhouseBuildSummary.ts";

/** Objects with copies of one day's ids. Past it a source reuses its ids, and a person must look. */
const COPY_OBJECTS_MAX = 20_000;

const MEBIBYTE = 1_048_576;
const SETTINGS: ClickHouseSettings = {
  // `event_hour=` in a path is no column of ours.
  use_hive_partitioning: 0,
  // The names of objects and the pinned inputs are part of the text.
  max_query_size: String(64 * MEBIBYTE),
  max_bytes_before_external_group_by: String(512 * MEBIBYTE),
};

const countRow = z.object({ rows: z.coerce.number().int(), events: z.coerce.number().int() });
const pathRow = z.object({ path: z.string() });

/** Judges in SQL on the objects themselves, and writes `truth_cube` and `truth_rejects`. */
export function createClickHouseTruthEngine(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
): TruthEngine {
  const judgeInputs = ({ inputs }: Build, slice: Slice): JudgeInputs => ({
    rows: objects.rowsOf(slice.objects.map(({ path }) => path)),
    copies: slice.copies.length === 0 ? null : objects.rowsOf(slice.copies.map(({ path }) => path)),
    campaigns: inputs.campaigns,
    ruleSet: inputs.ruleSet,
    bounds: inputs.bounds,
  });
  const write = async (name: string, query: string, { jobId, inputs }: Build) => {
    await clickhouse.command({
      query,
      query_params: {
        advertiserId: inputs.advertiserId,
        billingDay: inputs.billingDay,
        buildId: jobId.toString(),
      },
      clickhouse_settings: { ...SETTINGS, log_comment: name },
    });
  };

  return {
    async findCopies(campaigns, bounds) {
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
    },

    async count(build, slice) {
      const inputs = judgeInputs(build, slice);
      const result = await clickhouse.query({
        query: `SELECT
          (SELECT count() FROM ${inputs.rows}) AS rows,
          (${eventCountSql(inputs)}) AS events`,
        format: "JSONEachRow",
        clickhouse_settings: { ...SETTINGS, log_comment: "batch.count" },
      });
      return z.tuple([countRow]).parse(await result.json())[0];
    },

    async judge(build, slice) {
      const judged = judgeSql(judgeInputs(build, slice));
      await write("batch.cube", cubeSql(judged), build);
      await write("batch.rejects", rejectsSql(judged), build);
    },

    summarize: (build) => summarizeBuild(clickhouse, build),
  };
}

/** Names the SQL that judges: other text, other version. */
export function truthCodeVersion(): string {
  const judged = judgeSql({
    rows: "rows",
    copies: "copies",
    campaigns: [],
    ruleSet: { ...STANDARD_RULES, rules: [] },
    bounds: { fromMs: 0, toMs: 0 },
  });
  return `truth-${hash("sha256", cubeSql(judged) + rejectsSql(judged)).slice(0, 12)}`;
}

/**
 * The index is sorted by id, so the copies of one lie side by side and are grouped as they are read:
 * memory does not grow with the index. Rows that a replay wrote twice change nothing.
 */
function findCopiesSql(campaigns: string): string {
  return `
    SELECT DISTINCT arrayJoin(paths) AS path
    FROM (
      SELECT groupUniqArray(path) AS paths
      FROM event_index
      WHERE campaign_id IN (SELECT campaign_id FROM (${campaigns}))
      GROUP BY event_id
      HAVING min(event_hour) != max(event_hour)
        AND countIf(event_hour >= {fromSeconds: UInt32} AND event_hour < {toSeconds: UInt32}) > 0
    )
    LIMIT {limit: UInt32}
    SETTINGS optimize_aggregation_in_order = 1`;
}

function cubeSql(judged: string): string {
  return `
    INSERT INTO truth_cube
      (advertiser_id, billing_day, build_id, campaign_id, event_hour, ad_id, publisher_id, geo,
        device, event_type, verdict, events, cost_micros, users)
    SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, campaign_id,
      toStartOfHour(event_time) AS event_hour, ad_id, publisher_id, geo, device, event_type, verdict,
      count(), sum(cost_micros),
      uniqExactStateIf(sipHash64(user_id),
        verdict = 'valid' AND event_type = 'click' AND user_id != '')
    FROM (${judged})
    GROUP BY campaign_id, event_hour, ad_id, publisher_id, geo, device, event_type, verdict`;
}

function rejectsSql(judged: string): string {
  return `
    INSERT INTO truth_rejects
      (advertiser_id, billing_day, build_id, campaign_id, event_hour, partition, offset, \`index\`,
        event_id, event_type, verdict)
    SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, campaign_id,
      toStartOfHour(event_time), partition, offset, \`index\`, event_id, event_type, verdict
    FROM (${judged})
    WHERE verdict != 'valid'`;
}
