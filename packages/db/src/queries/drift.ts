import type { InstantRange } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema, type CampaignId } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, eq, gte } from "drizzle-orm";
import { campaigns } from "../postgres/schema/campaigns.ts";
import { hotPartsOf } from "../routing/hotParts.ts";
import { HOT_COVERAGE_MS, ReportQueryError } from "../routing/route.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope, tenantWhere } from "../tenant.ts";
import { namesOf } from "./advertisers.ts";
import { type Drift, type EvidenceCount, explainDrift, type IndexCount } from "./driftCauses.ts";
import {
  type DriftTotal,
  driftEvidence,
  driftIndex,
  driftTotals,
  type FrontierParams,
  frontierKey,
} from "./driftEvidence.ts";
import { heldParams } from "./heldRows.ts";
import { type PipelineOffsets, pipelineOffsets } from "./pipelineOffsets.ts";
import { hotHoursState, rolledThrough } from "./streamState.ts";
import { truthFrontiers } from "./truthFrontiers.ts";
import { currentTruth, type TruthPointer } from "./truthPointers.ts";

/** Most rows of an answer: campaigns times hours. */
export const DRIFT_ROWS_MAX = 50_000;

interface DriftRange extends InstantRange {
  readonly campaignId?: CampaignId | undefined;
}

/** stream − truth = Σ causes + unexplained, in clicks. */
export interface DriftRow extends Drift {
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly campaignName: string | null;
  /** Start of the UTC hour of event time, epoch milliseconds. */
  readonly hourMs: number;
  readonly stream: number;
  readonly truth: number;
}

export interface DriftAnswer {
  /** Oldest hour first; hours without a click on either side have no row. */
  readonly rows: readonly DriftRow[];
  /** The whole hours that were compared: those of the range for which the hot store is kept. */
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Why stream and truth differ, per campaign and hour of a range (invariant I8). An hour that the
 * range cuts is in it whole; what the hot store has forgotten is left out.
 *
 * @throws {ReportQueryError} naming the parameter, if the answer would have too many rows.
 */
export async function driftByCampaignHour(
  stores: Stores,
  sees: TenantScope,
  asked: DriftRange,
  nowMs: number = Date.now(),
): Promise<DriftAnswer> {
  const keptMs = Math.ceil((nowMs - HOT_COVERAGE_MS) / HOUR_MS) * HOUR_MS;
  const range = {
    fromMs: Math.max(Math.floor(asked.fromMs / HOUR_MS) * HOUR_MS, keptMs),
    toMs: Math.ceil(asked.toMs / HOUR_MS) * HOUR_MS,
  };
  if (range.fromMs >= range.toMs) return { rows: [], ...range };
  const scope = await scopeOfCampaign(stores, sees, asked.campaignId);

  const [offsets, rolledThroughMs, { markedMs }, pins] = await Promise.all([
    pipelineOffsets(stores),
    rolledThrough(stores),
    hotHoursState(stores, range),
    currentTruth(stores, scope, range),
  ]);
  const mayBeCorrected = markedMs !== null;
  const contextOf = (advertiserId: AdvertiserId): AdvertiserContext => {
    const ownPins = pins.filter((pin) => pin.advertiserId === advertiserId);
    const { campaignId } = asked;
    return { advertiserId, scope, range, campaignId, offsets, mayBeCorrected, pins: ownPins };
  };
  // Of one advertiser, nothing has to be known of the totals before.
  const [only, ...others] = scope.kind === "advertisers" ? scope.ids : [];
  const [totals, early] = await Promise.all([
    driftTotals(stores.clickhouse, scope, {
      ...secondsOf(range),
      parts: hotPartsOf({ ...range, nowMs, granularity: "hour", rolledThroughMs }),
      ...heldParams(pins),
      ...daysOf(pins),
      ...campaignParams(asked),
      rows_max: DRIFT_ROWS_MAX + 1,
    }),
    only !== undefined && others.length === 0 ? readEvidence(stores, contextOf(only)) : null,
  ]);
  if (totals.length > DRIFT_ROWS_MAX) {
    throw new ReportQueryError("from", `more than ${DRIFT_ROWS_MAX} rows; ask for a shorter range`);
  }

  const explained: Omit<DriftRow, "campaignName">[] = [];
  for (const [advertiser, ofAdvertiser] of Map.groupBy(totals, (total) => total.advertiser)) {
    const context = contextOf(advertiserIdSchema.parse(advertiser));
    const read = early ?? (await readEvidence(stores, context));
    explained.push(...(await explainAdvertiser(stores, context, read, ofAdvertiser)));
  }
  const campaignIds = [...new Set(explained.map((row) => row.campaignId))];
  const names = await namesOf(stores, scope, { campaignIds, adIds: [] });
  const rows = explained
    .map((row) => ({ ...row, campaignName: names.campaigns.get(row.campaignId) ?? null }))
    .sort((a, b) => a.hourMs - b.hourMs || (a.campaignId < b.campaignId ? -1 : 1));
  return { rows, ...range };
}

/** That of the campaign's advertiser alone, so that nobody else's rows are looked at. */
async function scopeOfCampaign(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  campaignId: CampaignId | undefined,
): Promise<TenantScope> {
  if (campaignId === undefined) return scope;
  const owners = await db
    .select({ id: campaigns.advertiserId })
    .from(campaigns)
    .where(eq(campaigns.id, campaignId));
  return narrowScope(
    scope,
    owners.map(({ id }) => id),
  );
}

const campaignParams = ({ campaignId }: Pick<DriftRange, "campaignId">) => ({
  any_campaign: campaignId === undefined,
  campaigns: campaignId === undefined ? [] : [campaignId],
});

/** The first and the last billing day of builds; any day where there is none. */
function daysOf(pins: readonly TruthPointer[]) {
  const days = pins.map(({ billingDay }) => billingDay).sort();
  return { first_day: days.at(0) ?? NO_DAY, last_day: days.at(-1) ?? NO_DAY };
}

const NO_DAY = "1970-01-01";

interface AdvertiserContext {
  readonly advertiserId: AdvertiserId;
  readonly scope: TenantScope;
  readonly range: InstantRange;
  readonly campaignId: CampaignId | undefined;
  readonly offsets: PipelineOffsets;
  readonly mayBeCorrected: boolean;
  /** Of this advertiser, by day. */
  readonly pins: readonly TruthPointer[];
}

/** What both sides say of single events of an advertiser, and how far they have read. */
interface ReadEvidence {
  readonly tenant: TenantScope;
  readonly params: FrontierParams;
  readonly evidence: ReadonlyMap<string, readonly EvidenceCount[]>;
}

async function readEvidence(stores: Stores, context: AdvertiserContext): Promise<ReadEvidence> {
  const tenant = narrowScope(context.scope, [context.advertiserId]);
  const params = await frontierParams(stores, tenant, context);
  const found = await driftEvidence(stores.clickhouse, tenant, {
    ...params,
    mayBeCorrected: context.mayBeCorrected,
    ...secondsOf(context.range),
    ...campaignParams(context),
  });
  return { tenant, params, evidence: Map.groupBy(found, keyOf) };
}

async function explainAdvertiser(
  stores: Stores,
  { offsets }: AdvertiserContext,
  { tenant, params, evidence }: ReadEvidence,
  totals: readonly DriftTotal[],
): Promise<Omit<DriftRow, "campaignName">[]> {
  const explain = (total: DriftTotal, index: IndexCount) =>
    explainDrift({
      stream: total.stream,
      truth: total.truth,
      evidence: evidence.get(keyOf(total)) ?? NO_EVIDENCE,
      index,
      archiveBehind: isArchiveBehind(offsets),
      hourOpen: (total.hour + HOUR_SECONDS) * SECOND_MS > (offsets.watermarkMs ?? 0),
    });

  // The row index is large; it is asked only where evidence leaves a rest.
  const open = totals.filter((total) => !isSettled(total, evidence.get(keyOf(total))));
  const indexed = await indexCounts(stores, tenant, params, open);
  return totals.map((total) => ({
    advertiserId: total.advertiser,
    campaignId: total.campaign,
    hourMs: total.hour * SECOND_MS,
    stream: total.stream,
    truth: total.truth,
    ...explain(total, indexed.get(keyOf(total)) ?? NO_INDEX),
  }));
}

const HOUR_SECONDS = HOUR_MS / SECOND_MS;
const NO_EVIDENCE: readonly EvidenceCount[] = [];
const NO_INDEX: IndexCount = { notInTruthMin: 0, notInTruthMax: 0, notStreamed: 0 };

const keyOf = ({ campaign, hour }: { readonly campaign: string; readonly hour: number }) =>
  `${hour}/${campaign}`;

const secondsOf = ({ fromMs, toMs }: InstantRange) => ({
  from: fromMs / SECOND_MS,
  to: toMs / SECOND_MS,
});

function isSettled(total: DriftTotal, evidence: readonly EvidenceCount[] = NO_EVIDENCE): boolean {
  const facts = { ...total, evidence, index: NO_INDEX, archiveBehind: false, hourOpen: false };
  return explainDrift(facts).unexplained === 0;
}

function isArchiveBehind({ streamNext, archiveNext }: PipelineOffsets): boolean {
  return [...streamNext].some(([partition, next]) => next > (archiveNext.get(partition) ?? 0n));
}

async function indexCounts(
  { clickhouse }: Stores,
  tenant: TenantScope,
  params: FrontierParams,
  open: readonly DriftTotal[],
): Promise<Map<string, IndexCount>> {
  if (open.length === 0) return new Map();
  const rows = await driftIndex(clickhouse, tenant, {
    ...params,
    hours: [...new Set(open.map((total) => total.hour))],
    campaigns: [...new Set(open.map((total) => total.campaign))],
  });
  return new Map(
    rows.map((row) => [
      keyOf(row),
      {
        notInTruthMin: row.not_in_truth_min,
        notInTruthMax: row.not_in_truth_max,
        notStreamed: row.not_streamed,
      },
    ]),
  );
}

async function frontierParams(
  { db }: Stores,
  tenant: TenantScope,
  { pins, offsets, range }: AdvertiserContext,
): Promise<FrontierParams> {
  const [frontiers, newCampaigns] = await Promise.all([
    truthFrontiers({ db }, pins),
    db
      .select({ id: campaigns.id })
      .from(campaigns)
      .where(
        and(
          tenantWhere(tenant, campaigns.advertiserId),
          gte(campaigns.createdAt, new Date(range.fromMs)),
        ),
      ),
  ]);
  const streamNext = [...offsets.streamNext];
  // `transform` needs one pair at least; the pairs of 0 stand for no build and change nothing.
  return {
    day_starts: pins.map(({ bounds }) => bounds.fromMs / SECOND_MS),
    day_ends: pins.map(({ bounds }) => bounds.toMs / SECOND_MS),
    builds: pins.map((pin) => pin.buildId),
    ...heldParams(pins),
    ...daysOf(pins),
    frontier_keys: [0, ...frontiers.map((f) => frontierKey(f.buildId, f.partition))],
    frontiers: [0n, ...frontiers.map(({ offset }) => offset)],
    partitions: [NO_PARTITION, ...streamNext.map(([partition]) => partition)],
    stream_next: [0n, ...streamNext.map(([, next]) => next)],
    new_campaigns: newCampaigns.map(({ id }) => id),
  };
}

/** Past every number that a partition can have. */
const NO_PARTITION = 65_536;
