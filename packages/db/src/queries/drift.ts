import type { InstantRange } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema, type CampaignId } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { settledHours } from "../routing/hotSettled.ts";
import { HOT_COVERAGE_MS, ReportQueryError } from "../routing/route.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope } from "../tenant.ts";
import { namesOf } from "./advertisers.ts";
import { scopeOfCampaigns } from "./campaignOwners.ts";
import {
  type Drift,
  type EvidenceCount,
  explainDrift,
  explainRecount,
  type IndexCount,
} from "./driftCauses.ts";
import {
  type DriftTotal,
  driftEvidence,
  driftIndex,
  driftTotals,
  type FrontierParams,
} from "./driftEvidence.ts";
import { type DriftFacts, driftFacts } from "./driftFacts.ts";
import { daysOf, readFrontiers } from "./driftFrontiers.ts";
import { type DriftSpan, driftSpans } from "./driftSpans.ts";
import { heldParams } from "./heldRows.ts";
import type { PipelineOffsets } from "./pipelineOffsets.ts";
import { recountedSince } from "./recountedHours.ts";
import type { TruthPointer } from "./truthPointers.ts";

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
  /** Whether the campaign that was asked for is one that the scope sees; false where nothing was read. */
  readonly knowsCampaign: boolean;
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
  if (range.fromMs >= range.toMs) return { rows: [], ...range, knowsCampaign: false };
  const { campaignId } = asked;
  const scope =
    campaignId === undefined ? sees : await scopeOfCampaigns(stores, sees, [campaignId]);

  const facts = await driftFacts(stores, scope, { ...range, campaignId });
  const { offsets, rolledThroughMs, hotHours, pins } = facts;
  const mayBeCorrected = hotHours.markedMs !== null;
  const settled = settledHours(rolledThroughMs, stores.memo === undefined ? null : hotHours);
  const spans = driftSpans(range, settled, { nowMs, rolledThroughMs });
  const contextOf = (advertiserId: AdvertiserId): AdvertiserContext => {
    const ownPins = pins.filter((pin) => pin.advertiserId === advertiserId);
    const newCampaigns = facts.newCampaigns.filter((one) => one.advertiserId === advertiserId);
    const asks = { scope, spans, campaignId };
    return { advertiserId, ...asks, offsets, mayBeCorrected, pins: ownPins, newCampaigns };
  };
  // Of one advertiser, nothing has to be known of the totals before.
  const [only, ...others] = scope.kind === "advertisers" ? scope.ids : [];
  const [totals, early] = await Promise.all([
    readSpans(spans, (span) =>
      driftTotals(
        stores,
        scope,
        {
          ...secondsOf(span),
          parts: span.parts,
          ...heldParams(pins),
          ...daysOf(pins),
          ...campaignParams(asked),
          rows_max: DRIFT_ROWS_MAX + 1,
        },
        span.asOf,
      ),
    ),
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
  const recounted = await recountedAmong(stores, explained, facts.lastBackfill);
  const names = await campaignNames(stores, scope, facts, explained);
  const rows = explained
    .map((row) => (recounted.has(row) ? { ...row, ...explainRecount(row) } : row))
    .map((row) => ({ ...row, campaignName: names.get(row.campaignId) ?? null }))
    .sort((a, b) => a.hourMs - b.hourMs || (a.campaignId < b.campaignId ? -1 : 1));
  return { rows, ...range, knowsCampaign: facts.campaignNames.size > 0 };
}

/** Those that are not known by the campaign that was asked for. */
async function campaignNames(
  stores: Stores,
  scope: TenantScope,
  { campaignNames: known }: DriftFacts,
  rows: readonly Pick<DriftRow, "campaignId">[],
): Promise<ReadonlyMap<string, string>> {
  const campaignIds = [...new Set(rows.map((row) => row.campaignId))];
  if (campaignIds.every((id) => known.has(id))) return known;
  return (await namesOf(stores, scope, { campaignIds, adIds: [] })).campaigns;
}

/** Rows with a rest, of hours that were being counted again while they were read. */
async function recountedAmong<Row extends Pick<DriftRow, "hourMs" | "unexplained">>(
  stores: Stores,
  rows: readonly Row[],
  backfill: number,
): Promise<ReadonlySet<Row>> {
  const unexplained = rows.filter((row) => row.unexplained !== 0);
  if (unexplained.length === 0) return new Set();
  const hours = await recountedSince(stores, backfill);
  return new Set(unexplained.filter(({ hourMs }) => hours.has(hourMs)));
}

/** The rows of all spans. */
async function readSpans<Row>(
  spans: readonly DriftSpan[],
  read: (span: DriftSpan) => Promise<Row[]>,
): Promise<Row[]> {
  return (await Promise.all(spans.map(read))).flat();
}

const campaignParams = ({ campaignId }: Pick<DriftRange, "campaignId">) => ({
  any_campaign: campaignId === undefined,
  campaigns: campaignId === undefined ? [] : [campaignId],
});

interface AdvertiserContext {
  readonly advertiserId: AdvertiserId;
  readonly scope: TenantScope;
  readonly spans: readonly DriftSpan[];
  readonly campaignId: CampaignId | undefined;
  readonly offsets: PipelineOffsets;
  readonly mayBeCorrected: boolean;
  /** Of this advertiser, by day. */
  readonly pins: readonly TruthPointer[];
  /** Of this advertiser. */
  readonly newCampaigns: DriftFacts["newCampaigns"];
}

/** What both sides say of single events of an advertiser, and how far they have read. */
interface ReadEvidence {
  readonly tenant: TenantScope;
  readonly params: FrontierParams;
  readonly evidence: ReadonlyMap<string, readonly EvidenceCount[]>;
}

async function readEvidence(stores: Stores, context: AdvertiserContext): Promise<ReadEvidence> {
  const tenant = narrowScope(context.scope, [context.advertiserId]);
  const { params, forEvidence, mayGrow } = await readFrontiers(stores, context);
  const found = await readSpans(context.spans, (span) =>
    driftEvidence(
      stores,
      tenant,
      {
        ...forEvidence,
        mayBeCorrected: context.mayBeCorrected,
        ...secondsOf(span),
        ...campaignParams(context),
      },
      mayGrow ? null : span.asOf,
    ),
  );
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
      hourOpen: (total.hour + HOUR_SECONDS) * SECOND_MS > (offsets.closedMs ?? 0),
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
