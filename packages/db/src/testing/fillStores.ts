/** Hand-filled rows, as the stream and the batch write them, for tests of what reads them. */

import {
  adIdSchema,
  advertiserIdSchema,
  type CampaignId,
  campaignIdSchema,
} from "@trueclick/shared/ids";
import { VERDICT_CLASS, type Verdict, type VerdictClass } from "@trueclick/shared/verdict";
import { sql } from "drizzle-orm";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { ads, campaigns } from "../postgres/schema/campaigns.ts";
import { batchJobs, truthCurrent, truthLines, truthVersions } from "../postgres/schema/truth.ts";
import type { TakenOver } from "../queries/heldRows.ts";
import type { Stores } from "../stores.ts";

const HASH = "0".repeat(64);

export interface AdvertiserFill {
  readonly id: string;
  readonly timeZone?: string;
  readonly currency?: string;
  /** Campaign ids; each is named `Campaign <id>` and has the ad `ad_1`. */
  readonly campaigns: readonly string[];
}

export async function fillAdvertiser({ db }: Stores, fill: AdvertiserFill): Promise<void> {
  const advertiserId = advertiserIdSchema.parse(fill.id);
  await db.insert(advertisers).values({
    id: advertiserId,
    name: `Advertiser ${fill.id}`,
    timeZone: fill.timeZone ?? "UTC",
    currency: fill.currency ?? "EUR",
  });
  for (const id of fill.campaigns) {
    const campaignId = campaignIdSchema.parse(id);
    await db.insert(campaigns).values({ id: campaignId, advertiserId, name: `Campaign ${id}` });
    await db.insert(ads).values({ campaignId, id: adIdSchema.parse("ad_1"), name: `Ad of ${id}` });
  }
}

export interface HotFill {
  readonly advertiser: string;
  readonly campaign: string;
  /** ISO 8601, a whole minute. */
  readonly at: string;
  readonly cube?: string;
  readonly value?: string;
  readonly partition?: number;
  readonly version?: number;
  readonly clicks?: number;
  readonly invalid?: number;
  /** Of the invalid clicks; not known unless it is given. */
  readonly givt?: number;
  readonly duplicates?: number;
  readonly costMicros?: number;
}

export async function fillHot({ clickhouse }: Stores, rows: readonly HotFill[]): Promise<void> {
  await clickhouse.insert({
    table: "hot_minutes",
    format: "JSONEachRow",
    values: rows.map((row) => ({
      advertiser_id: row.advertiser,
      cube: row.cube ?? "ad",
      campaign_id: row.campaign,
      window_start: Date.parse(row.at) / 1_000,
      dimension_value: row.value ?? "ad_1",
      partition: row.partition ?? 0,
      clicks: row.clicks ?? 0,
      invalid_clicks: row.invalid ?? 0,
      duplicate_clicks: row.duplicates ?? 0,
      impressions: 0,
      conversions: 0,
      cost_micros: row.costMicros ?? 0,
      version: row.version ?? 1,
      givt_clicks: row.givt ?? -1,
    })),
  });
}

export interface HotUsersFill {
  readonly advertiser: string;
  readonly campaign: string;
  /** Start of the UTC hour, ISO 8601. */
  readonly hour: string;
  readonly users: readonly number[];
}

/** Writes users as the stream does. */
export async function fillHotUsers(
  { clickhouse }: Stores,
  rows: readonly HotUsersFill[],
): Promise<void> {
  await clickhouse.insert({
    table: "hot_users",
    format: "JSONEachRow",
    columns: ["advertiser_id", "campaign_id", "event_hour", "user_hashes"],
    values: rows.map(({ advertiser, campaign, hour, users }) => ({
      advertiser_id: advertiser,
      campaign_id: campaign,
      event_hour: Date.parse(hour) / 1_000,
      user_hashes: users.map((user) => user.toString(16).padStart(16, "0")).join(""),
    })),
  });
}

export interface TruthCell {
  readonly campaign: string;
  /** Start of the UTC hour, ISO 8601. */
  readonly hour: string;
  readonly verdict?: Verdict;
  readonly type?: "click" | "impression" | "conversion";
  readonly ad?: string;
  readonly publisher?: string;
  readonly geo?: string;
  readonly device?: string;
  readonly events: number;
  readonly costMicros?: number;
  /** Conversions that are due to clicks of the cell, and their value. */
  readonly credited?: number;
  readonly creditedValueMicros?: number;
  /** Who clicked, for the distinct users of a valid cell. */
  readonly users?: readonly number[];
}

export interface TruthFill {
  readonly advertiser: string;
  readonly day: string;
  readonly currency?: string;
  readonly publishedAt?: string;
  readonly cells: readonly TruthCell[];
  /** Hours of builds of before that are the version's too, and what lies there. */
  readonly takenOver?: readonly (TakenOver & { readonly cells: readonly TruthCell[] })[];
}

/** Writes a version of a truth partition and makes it the current one. Returns its job's id. */
export async function publishTruth(stores: Stores, fill: TruthFill): Promise<number> {
  const buildId = await writeBuild(stores, fill);
  const key = { advertiserId: advertiserIdSchema.parse(fill.advertiser), billingDay: fill.day };
  const taken = fill.takenOver ?? [];
  const held = [...fill.cells, ...taken.flatMap(({ cells }) => cells)];
  await stores.db.transaction(async (tx) => {
    const before = await tx
      .select()
      .from(truthVersions)
      .where(sql`
      ${truthVersions.advertiserId} = ${key.advertiserId}
      and ${truthVersions.billingDay} = ${key.billingDay}`);
    const version = before.length + 1;
    await tx.insert(truthVersions).values({
      ...key,
      version,
      jobId: BigInt(buildId),
      inputsHash: HASH,
      contentHash: HASH,
      verdictCounts: countsByVerdict(held),
      costMicros: sum(held.map((cell) => cell.costMicros ?? 0)),
      currency: fill.currency ?? "EUR",
      cause: "test",
      takenOver: taken.map(({ buildId, hours }) => ({ buildId, hours })),
      ...(fill.publishedAt === undefined ? {} : { publishedAt: new Date(fill.publishedAt) }),
    });
    for (const [campaign, cells] of Map.groupBy(held, (cell) => cell.campaign)) {
      await tx
        .insert(truthLines)
        .values({ ...key, version, ...lineOf(campaignIdSchema.parse(campaign), cells) });
    }
    await tx
      .insert(truthCurrent)
      .values({ ...key, version })
      .onConflictDoUpdate({
        target: [truthCurrent.advertiserId, truthCurrent.billingDay],
        set: { version },
      });
  });
  return buildId;
}

/** What the batch publishes of a campaign's cells. */
function lineOf(campaignId: CampaignId, cells: readonly TruthCell[]) {
  const eventsOf = (type: TruthCell["type"], isWanted: (verdict: Verdict) => boolean) =>
    sum(
      cells
        .filter((cell) => (cell.type ?? "click") === type && isWanted(cell.verdict ?? "valid"))
        .map((cell) => cell.events),
    );
  const isNotOf =
    (...classes: readonly VerdictClass[]) =>
    (verdict: Verdict) =>
      !classes.includes(VERDICT_CLASS[verdict]);
  const isValid = (verdict: Verdict) => verdict === "valid";
  const clicked = cells.filter(
    (cell) => (cell.type ?? "click") === "click" && isValid(cell.verdict ?? "valid"),
  );
  return {
    campaignId,
    clicks: eventsOf("click", isValid),
    grossClicks: eventsOf("click", isNotOf("duplicate", "test")),
    netClicks: eventsOf("click", isNotOf("duplicate", "test", "givt")),
    duplicateClicks: eventsOf("click", (verdict) => VERDICT_CLASS[verdict] === "duplicate"),
    impressions: eventsOf("impression", isValid),
    conversions: eventsOf("conversion", isValid),
    uniqueUsers: BigInt(new Set(clicked.flatMap((cell) => cell.users ?? [])).size),
    costMicros: sum(cells.map((cell) => cell.costMicros ?? 0)),
    attributedConversions: sum(cells.map((cell) => cell.credited ?? 0)),
    attributedValueMicros: sum(cells.map((cell) => cell.creditedValueMicros ?? 0)),
  };
}

/** Clicks by verdict. */
function countsByVerdict(cells: readonly TruthCell[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type = "click", verdict = "valid", events } of cells) {
    if (type === "click") counts[verdict] = (counts[verdict] ?? 0) + events;
  }
  return counts;
}

/** Writes the rows of a build that no version points to: what a job leaves that died. */
export async function writeBuild({ db, clickhouse }: Stores, fill: TruthFill): Promise<number> {
  const [job] = await db
    .insert(batchJobs)
    .values({
      advertiserId: advertiserIdSchema.parse(fill.advertiser),
      billingDay: fill.day,
      state: "published",
      reason: "test",
      requestedBy: "test",
      requestId: "test",
    })
    .returning({ id: batchJobs.id });
  if (job === undefined) throw new Error("no job was written");
  for (const cell of fill.cells) {
    await clickhouse.command({
      query: `
        INSERT INTO truth_cube (advertiser_id, billing_day, build_id, campaign_id, event_hour, ad_id,
          publisher_id, geo, device, event_type, verdict, events, cost_micros, user_hashes, credited,
          credited_value_micros) SELECT
          {advertiser: String}, {day: Date}, {build: UInt64}, {campaign: String},
          parseDateTimeBestEffort({hour: String}), {ad: String}, {publisher: String}, {geo: String},
          {device: String}, {type: String}, {verdict: String}, {events: UInt64}, {cost: Int64},
          arraySort({users: Array(UInt64)}), {credited: UInt64}, {value: Int128}`,
      query_params: {
        advertiser: fill.advertiser,
        day: fill.day,
        build: job.id,
        campaign: cell.campaign,
        hour: cell.hour,
        ad: cell.ad ?? "ad_1",
        publisher: cell.publisher ?? "pub_1",
        geo: cell.geo ?? "DE",
        device: cell.device ?? "mobile",
        type: cell.type ?? "click",
        verdict: cell.verdict ?? "valid",
        events: cell.events,
        cost: cell.costMicros ?? 0,
        users: [...(cell.users ?? [])],
        credited: cell.credited ?? 0,
        value: cell.creditedValueMicros ?? 0,
      },
    });
  }
  return job.id;
}

const sum = (counts: readonly number[]) =>
  counts.reduce((total, count) => total + BigInt(count), 0n);
