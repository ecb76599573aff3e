/** The judge's SQL over all events of a day, and over those alone that its sieve lets through. */
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { hoursTouched } from "@trueclick/shared/calendar";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { learnAgents } from "../adapters/clickhouseAgentFacts.ts";
import { campaignRows } from "../domain/campaignSql.ts";
import { JUDGED_COLUMNS, judgedSql, ownEventsSql } from "../domain/eventSql.ts";
import type { PinnedCampaign } from "../domain/inputs.ts";
import { type JudgeInputs, lookedAt, rejectsSql } from "../domain/judgeSql.ts";
import { insertKeys, insertSuspectIds, insertSuspects, KEYS_ON_DISK } from "../domain/sliceSql.ts";
import { findUnlinkedSql } from "../domain/unlinkedSql.ts";
import type { BatchWorld, CampaignSeed } from "./batchWorld.ts";

const rejectRow = z.object({
  /** Whether this way led over the sieve. */
  sieved: z.boolean(),
  matched: z.array(z.string()),
  /** Coordinates, verdict, and all that it matched. */
  text: z.string(),
});

type Reject = z.infer<typeof rejectRow>;

/** Rejects of each way, sorted by their coordinates. */
interface BothWays extends z.infer<typeof countRow> {
  readonly plainly: readonly Reject[];
  readonly bySieve: readonly Reject[];
}

/** Events that are judged without the sieve, and with it. */
const countRow = z.object({ events: z.coerce.number(), suspects: z.coerce.number() });

let builds = 0;
function nextBuild(): number {
  builds += 1;
  return builds;
}

const SETTINGS = { use_hive_partitioning: 0, optimize_move_to_prewhere: 0 } as const;

/**
 * Judges all that is archived of a day, whole UTC hours, both ways in one query. Every reject comes once
 * of each way, with all that it matched.
 */
export async function judgeBothWays(
  { archive }: BatchWorld,
  inputs: JudgeInputs,
): Promise<BothWays> {
  const { db, clickhouse, clickhouseObjects } = archive;
  const objects = await db
    .select({ path: archiveObjects.path, eventHour: archiveObjects.eventHour })
    .from(archiveObjects);
  const rowsOf = (isIn: (hourMs: number) => boolean) =>
    clickhouseObjects.rowsOf(
      objects.filter(({ eventHour }) => isIn(eventHour.getTime())).map(({ path }) => path),
    );
  const hours = hoursTouched(inputs.bounds);
  const endMs = (hours.at(-1) ?? 0) + HOUR_MS;
  const [rows, following] = [
    rowsOf((hour) => hours.includes(hour)),
    rowsOf((hour) => hour === endMs),
  ];
  const sieved = {
    rows: rowsOf((hour) => hours.includes(hour) || hour === endMs),
    copies: rowsOf((hour) => !hours.includes(hour)),
    endMs,
  };
  await learnAgents(
    clickhouse,
    rowsOf(() => true),
    SETTINGS,
  );

  const [every, suspects] = [nextBuild(), nextBuild()];
  const slice = { firstHourMs: 0 };
  const build = {
    query_params: { buildId: suspects, sliceHour: 0, part: 0, parts: 1 },
    clickhouse_settings: { ...SETTINGS, max_query_size: "67108864" },
  };
  const { rules, campaigns } = inputs;
  const linked = { rows, following, preceding: rowsOf((hour) => hour < (hours[0] ?? 0)) };
  const all = `WITH campaigns AS (${campaignRows(campaigns)})
    ${judgedSql(`${ownEventsSql(rows, inputs)} UNION ALL ${ownEventsSql(following, inputs)}
      AND event_type = 'click'`)}`;
  for (const query of [
    findUnlinkedSql(linked, rules, campaigns, lookedAt(endMs, inputs)),
    `INSERT INTO truth_suspects (build_id, slice_hour, ${JUDGED_COLUMNS.join(", ")})
      SELECT ${every}, fromUnixTimestamp(0), * FROM (${all})`,
    insertKeys(sieved, slice, inputs, KEYS_ON_DISK),
    insertSuspectIds(sieved, slice, inputs, KEYS_ON_DISK),
    insertSuspects(sieved, slice, inputs, KEYS_ON_DISK),
  ]) {
    await clickhouse.command({ ...build, query });
  }
  const selects = [every, suspects].map((id) => {
    const judged = { own: looked(id), endMs, copies: sieved.copies };
    return `SELECT ${id === suspects} AS sieved, matched, concat(toString(partition), ':', toString(offset), ':',
        toString(\`index\`), ' ', event_id, ' ', verdict, ' ', arrayStringConcat(matched, ',')) AS text
      FROM (${rejectsSql(judged, inputs)})`;
  });
  const result = await clickhouse.query({
    ...build,
    query: `SELECT * FROM (${selects.join(" UNION ALL ")}) ORDER BY text`,
    format: "JSONEachRow",
  });
  const rejects = z.array(rejectRow).parse(await result.json());
  const counted = await clickhouse.query({
    ...build,
    query: `SELECT (SELECT count() FROM ${looked(every)}) AS events,
      (SELECT count() FROM ${looked(suspects)}) AS suspects`,
    format: "JSONEachRow",
  });
  const of = (isSieved: boolean) => rejects.filter((one) => one.sieved === isSieved);
  const counts = z.tuple([countRow]).parse(await counted.json())[0];
  return { plainly: of(false), bySieve: of(true), ...counts };
}

const looked = (build: number) => `(SELECT * FROM truth_suspects WHERE build_id = ${build})`;

/** A campaign as a job would pin it. */
export function pinnedCampaign({ id, rates, ...seed }: CampaignSeed): PinnedCampaign {
  const pauses = (seed.pauses ?? []).flatMap(([fromMs, toMs]) => [
    { effectiveFromMs: fromMs, active: false },
    { effectiveFromMs: toMs, active: true },
  ]);
  return {
    id: campaignIdSchema.parse(id),
    startsMs: seed.startsMs ?? null,
    endsMs: seed.endsMs ?? null,
    rates: rates.map(([effectiveFromMs, cpcMicros]) => ({ effectiveFromMs, cpcMicros })),
    statuses: pauses,
    requirements: (seed.requirements ?? []).map(([effectiveFromMs, required]) => {
      return { effectiveFromMs, required };
    }),
  };
}
