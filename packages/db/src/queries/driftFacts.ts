/** What drift must know of Postgres before it reads rows, in one statement: one snapshot and one round trip. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { EVENT_AHEAD_MAX_MS } from "@trueclick/shared/event/envelope";
import { advertiserIdSchema, type CampaignId } from "@trueclick/shared/ids";
import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { z } from "zod";
import type { Database } from "../postgres/database.ts";
import { jsonRowsOf } from "../postgres/jsonRows.ts";
import { preparedOnce } from "../postgres/prepared.ts";
import { archiveCheckpoints } from "../postgres/schema/archive.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import { driftHours, driftLines } from "../postgres/schema/drift.ts";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";
import {
  preparedTenantWhere,
  type TenantKind,
  type TenantScope,
  tenantKindIn,
  tenantKindOf,
  tenantParams,
} from "../tenant.ts";
import { type KeptLines, keptHoursSql, keptLinesSql, toKeptLines } from "./driftLines.ts";
import { parsedOnce } from "./parsedOnce.ts";
import { offsetsOf, type PipelineOffsets } from "./pipelineOffsets.ts";
import { lastBackfillSql } from "./recountedHours.ts";
import {
  type HotHoursState,
  type HourMarks,
  hotHoursParams,
  hotHoursSchema,
  hotHoursSql,
  hourMarksSchema,
  hourMarksSql,
  rolledThroughSql,
} from "./streamState.ts";
import {
  pointerParams,
  pointerRowsSchema,
  preparedPointers,
  type TruthPointer,
  toPointers,
} from "./truthPointers.ts";

export interface DriftFacts {
  readonly pins: readonly TruthPointer[];
  readonly offsets: PipelineOffsets;
  readonly rolledThroughMs: number | null;
  readonly hotHours: HotHoursState;
  /** Hours of the range that were ever marked to be counted again, by their start. */
  readonly marks: ReadonlyMap<number, HourMarks>;
  /** The last backfill that had ended; 0: none had. */
  readonly lastBackfill: number;
  /**
   * Campaigns of the scope, among those asked for, of which an event of the range may have come before they
   * became known, by id.
   */
  readonly newCampaigns: readonly NewCampaign[];
  /** The name of the campaign that was asked for, if the scope sees it. */
  readonly campaignNames: ReadonlyMap<string, string>;
  /** What is kept of the hours; null where they are of more than one advertiser, or were not asked for. */
  readonly kept: KeptLines | null;
}

interface AskedFacts extends InstantRange {
  readonly campaignId?: CampaignId | undefined;
  /** Most lines that are read; null: none. */
  readonly linesMax: number | null;
}

type NewCampaign = z.infer<typeof newCampaignSchema>;
type Kind = `${TenantKind}_${"campaign" | "any"}_${"lines" | "rows"}`;

const newCampaignSchema = z.object({ id: z.string(), advertiserId: advertiserIdSchema });

export async function driftFacts(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { linesMax, ...range }: AskedFacts,
): Promise<DriftFacts> {
  const { campaignId } = range;
  const asks = campaignId === undefined ? "any" : "campaign";
  const who = tenantKindOf(scope);
  const kind = who === "one" && linesMax !== null ? "lines" : "rows";
  const [row] = await statementOf(db, `${who}_${asks}_${kind}`).execute({
    ...tenantParams(scope),
    ...pointerParams(range, null),
    ...hotHoursParams(range),
    since: new Date(range.fromMs - EVENT_AHEAD_MAX_MS).toISOString(),
    ...(kind === "rows" ? {} : { linesMax }),
    ...(campaignId === undefined ? {} : { campaignId }),
  });
  if (row === undefined) throw new RangeError("a statement of constants has no row");
  const { rolledThroughMs } = row;
  return {
    pins: toPointers(pointerRowsOf(row.pins), range),
    offsets: offsetsOf(streamOf(row.stream), archiveOf(row.archive), rolledThroughMs),
    rolledThroughMs,
    hotHours: hotHoursOf(row.hotHours),
    marks: new Map(marksOf(row.marks).map((mark) => [mark.hourMs, mark])),
    lastBackfill: row.lastBackfill,
    newCampaigns: newCampaignsOf(row.newCampaigns),
    campaignNames: new Map(namedOf(row.campaigns).map(({ id, name }) => [id, name])),
    kept: kind === "rows" ? null : toKeptLines({ hours: row.keptHours, lines: row.keptLines }),
  };
}

const pointerRowsOf = parsedOnce(pointerRowsSchema);
const newCampaignsOf = parsedOnce(z.array(newCampaignSchema));
const namedOf = parsedOnce(z.array(z.object({ id: z.string(), name: z.string() })));
const hotHoursOf = parsedOnce(hotHoursSchema);
const marksOf = parsedOnce(hourMarksSchema);
const place = { partition: z.number(), nextOffset: z.coerce.bigint() };
const streamOf = parsedOnce(z.array(z.object({ ...place, watermarkMs: z.number().nullable() })));
const archiveOf = parsedOnce(z.array(z.object(place)));

const statementOf = preparedOnce((db, kind: Kind) => {
  const tenant = tenantKindIn(kind);
  const [, asks, sides] = kind.split("_");
  const hasLines = sides === "lines";
  return db
    .select({
      pins: jsonRowsOf(preparedPointers(db, tenant, "current")),
      stream: jsonRowsOf(selectStream(db)),
      archive: jsonRowsOf(db.select(offsetColumns(archiveCheckpoints)).from(archiveCheckpoints)),
      rolledThroughMs: sql<number | null>`(${rolledThroughSql()})::float8`,
      hotHours: sql<string>`(${hotHoursSql()})::text`,
      marks: sql<string>`(${hourMarksSql()})::text`,
      lastBackfill: sql<number>`(${lastBackfillSql()})::float8`,
      newCampaigns: jsonRowsOf(selectNewCampaigns(db, tenant, asks === "campaign")),
      campaigns: asks === "campaign" ? jsonRowsOf(selectNamed(db, tenant)) : NO_ROWS,
      keptHours: hasLines ? sql<string>`(${keptHoursSql(ofHours(driftHours))})::text` : NO_ROWS,
      keptLines: hasLines ? selectLines(asks === "campaign") : NO_ROWS,
    })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`drift_facts_${kind}`);
});

const NO_ROWS: SQL<string> = sql<string>`'[]'`;

const offsetColumns = (table: typeof archiveCheckpoints | typeof streamCheckpoints) => ({
  partition: table.partition,
  nextOffset: sql`${table.nextOffset}::text`.as("nextOffset"),
});

function selectStream(db: Database) {
  return db
    .select({
      ...offsetColumns(streamCheckpoints),
      watermarkMs: sql`${streamCheckpoints.watermarkMs}`.as("watermarkMs"),
    })
    .from(streamCheckpoints);
}

/** In one order, since what is asked for is what is remembered. */
function selectNewCampaigns(db: Database, tenant: TenantKind, isOfOne: boolean) {
  const { id, advertiserId, createdAt } = campaigns;
  return db
    .select({ id, advertiserId: sql`${advertiserId}`.as("advertiserId") })
    .from(campaigns)
    .where(
      and(
        preparedTenantWhere(tenant, advertiserId),
        sql`${createdAt} >= ${sql.placeholder("since")}::timestamptz`,
        isOfOne ? isAskedFor(id) : undefined,
      ),
    )
    .orderBy(asc(id));
}

function selectNamed(db: Database, tenant: TenantKind) {
  const { id, advertiserId, name } = campaigns;
  return db
    .select({ id, name })
    .from(campaigns)
    .where(and(preparedTenantWhere(tenant, advertiserId), isAskedFor(id)));
}

const isAskedFor = (id: AnyPgColumn) => eq(id, sql`${sql.placeholder("campaignId")}`);

/** The hours one by one, so that of each only one campaign is looked for in the primary key. */
const HOURS = sql`array(select generate_series(${sql.placeholder("hoursFrom")}::timestamptz,
  ${sql.placeholder("hoursTo")}::timestamptz - interval '1 hour', interval '1 hour'))`;

function ofHours({ advertiserId, eventHour }: typeof driftHours | typeof driftLines): SQL {
  return sql`${preparedTenantWhere("one", advertiserId)} and ${eventHour} = any(${HOURS})`;
}

function selectLines(isOfOne: boolean): SQL<string> {
  const ofCampaign = isOfOne ? sql`and ${isAskedFor(driftLines.campaignId)}` : sql``;
  const where = sql`${ofHours(driftLines)} ${ofCampaign}`;
  return sql<string>`(${keptLinesSql(where, sql`${sql.placeholder("linesMax")}::bigint`)})::text`;
}
