import type { InstantRange } from "@trueclick/shared/calendar";
import type { CampaignId } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { HOT_COVERAGE_MS } from "../routing/route.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { namesOf } from "./advertisers.ts";
import { scopeOfCampaigns } from "./campaignOwners.ts";
import {
  type Drift,
  type EvidenceCount,
  explainDrift,
  explainRecount,
  type IndexCount,
} from "./driftCauses.ts";
import { type DriftTotal, driftIndex, type FrontierParams } from "./driftEvidence.ts";
import { type DriftFacts, driftFacts } from "./driftFacts.ts";
import { type DriftLine, linedDrift } from "./driftLines.ts";
import {
  type AdvertiserSides,
  assertFewRows,
  DRIFT_ROWS_MAX,
  placeOf,
  readDriftSides,
} from "./driftSides.ts";
import type { PipelineOffsets } from "./pipelineOffsets.ts";
import { recountedSince } from "./recountedHours.ts";

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

/** An answer of which every row was read, and what it was made of. */
export interface ReadDrift extends DriftAnswer {
  readonly facts: DriftFacts;
  readonly sides: readonly AdvertiserSides[];
}

/**
 * Why stream and truth differ, per campaign and hour of a range (invariant I8). An hour that the
 * range cuts is in it whole; what the hot store has forgotten is left out. Hours of one advertiser that the
 * watch has read are told by what it kept, as long as that is what would be read (decision 149).
 *
 * @throws {ReportQueryError} naming the parameter, if the answer would have too many rows.
 */
export async function driftByCampaignHour(
  stores: Stores,
  sees: TenantScope,
  asked: DriftRange,
  nowMs: number = Date.now(),
): Promise<DriftAnswer> {
  const range = wholeHours(asked, nowMs);
  if (range.fromMs >= range.toMs) return { rows: [], ...range, knowsCampaign: false };
  const { campaignId } = asked;
  const scope =
    campaignId === undefined ? sees : await scopeOfCampaigns(stores, sees, [campaignId]);
  const linesMax = DRIFT_ROWS_MAX + 1;
  const facts = await driftFacts(stores, scope, { ...range, campaignId, linesMax });
  // What was read of a campaign that is new is not what would be read for a range that begins later.
  const { kept, newCampaigns } = facts;
  const isKept = kept !== null && newCampaigns.length === 0 && kept.lines.length < linesMax;
  const { unlined, lines } = isKept
    ? linedDrift(range, kept, facts)
    : { unlined: range, lines: [] };
  const sides =
    unlined === null
      ? []
      : await readDriftSides(stores, { scope, range: unlined, campaignId, facts, nowMs });
  const rows = await explainSides(stores, scope, { facts, sides, lines });
  return { rows, ...range, knowsCampaign: facts.campaignNames.size > 0 };
}

/**
 * The same of every row that a scope sees, read from the engine whatever is kept.
 *
 * @throws {ReportQueryError} as `driftByCampaignHour`.
 */
export async function readDrift(
  stores: Stores,
  scope: TenantScope,
  asked: InstantRange,
  nowMs: number,
): Promise<ReadDrift> {
  const range = wholeHours(asked, nowMs);
  const facts = await driftFacts(stores, scope, { ...range, linesMax: null });
  const isEmpty = range.fromMs >= range.toMs;
  const all = { scope, range, campaignId: undefined, facts, nowMs };
  const sides = isEmpty ? [] : await readDriftSides(stores, all);
  const rows = await explainSides(stores, scope, { facts, sides, lines: [] });
  return { rows, ...range, knowsCampaign: false, facts, sides };
}

/** Those for which the hot store is kept. */
function wholeHours({ fromMs, toMs }: InstantRange, nowMs: number): InstantRange {
  const keptMs = Math.ceil((nowMs - HOT_COVERAGE_MS) / HOUR_MS) * HOUR_MS;
  return {
    fromMs: Math.max(Math.floor(fromMs / HOUR_MS) * HOUR_MS, keptMs),
    toMs: Math.ceil(toMs / HOUR_MS) * HOUR_MS,
  };
}

type UnnamedRow = Omit<DriftRow, "campaignName">;

interface Found {
  readonly facts: DriftFacts;
  readonly sides: readonly AdvertiserSides[];
  /** Of hours that `sides` do not tell of. */
  readonly lines: readonly DriftLine[];
}

async function explainSides(
  stores: Stores,
  scope: TenantScope,
  { facts, sides, lines }: Found,
): Promise<DriftRow[]> {
  const explained = lines.map((line) => explainLine(scope, line));
  for (const ofAdvertiser of sides) {
    explained.push(...(await explainAdvertiser(stores, facts.offsets, ofAdvertiser)));
  }
  assertFewRows(explained.length);
  const recounted = await recountedAmong(stores, explained, facts.lastBackfill);
  const names = await campaignNames(stores, scope, facts, explained);
  return explained
    .map((row) => (recounted.has(row) ? { ...row, ...explainRecount(row) } : row))
    .map((row) => ({ ...row, campaignName: names.get(row.campaignId) ?? null }))
    .sort((a, b) => a.hourMs - b.hourMs || (a.campaignId < b.campaignId ? -1 : 1));
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

/** Lines are of one advertiser, and kept only where evidence leaves no rest. */
function explainLine(scope: TenantScope, line: DriftLine): UnnamedRow {
  const [advertiserId] = scope.kind === "advertisers" ? scope.ids : [];
  if (advertiserId === undefined) throw new RangeError("lines are of one advertiser");
  const { hourMs, campaignId, stream, truth } = line;
  const evidence = line.differences ?? NO_EVIDENCE;
  const sides = { stream, truth, evidence, ...NOTHING_ELSE };
  return { advertiserId, campaignId, hourMs, stream, truth, ...explainDrift(sides) };
}

async function explainAdvertiser(
  stores: Stores,
  offsets: PipelineOffsets,
  { advertiserId, tenant, params, evidence, totals }: AdvertiserSides,
): Promise<UnnamedRow[]> {
  const explain = (total: DriftTotal, index: IndexCount) =>
    explainDrift({
      stream: total.stream,
      truth: total.truth,
      evidence: evidence.get(placeOf(total)) ?? NO_EVIDENCE,
      index,
      archiveBehind: isArchiveBehind(offsets),
      hourOpen: (total.hour + HOUR_SECONDS) * SECOND_MS > (offsets.closedMs ?? 0),
    });

  // The row index is large; it is asked only where evidence leaves a rest.
  const open = totals.filter((total) => !isExplained(total, evidence.get(placeOf(total))));
  const indexed = await indexCounts(stores, tenant, params, open);
  return totals.map((total) => ({
    advertiserId,
    campaignId: total.campaign,
    hourMs: total.hour * SECOND_MS,
    stream: total.stream,
    truth: total.truth,
    ...explain(total, indexed.get(placeOf(total)) ?? NO_INDEX),
  }));
}

const HOUR_SECONDS = HOUR_MS / SECOND_MS;
const NO_EVIDENCE: readonly EvidenceCount[] = [];
const NO_INDEX: IndexCount = { notInTruthMin: 0, notInTruthMax: 0, notStreamed: 0 };
const NOTHING_ELSE = { index: NO_INDEX, archiveBehind: false, hourOpen: false };

/** Whether evidence alone names the whole difference. */
export function isExplained(
  { stream, truth }: Pick<DriftTotal, "stream" | "truth">,
  evidence: readonly EvidenceCount[] = NO_EVIDENCE,
): boolean {
  return explainDrift({ stream, truth, evidence, ...NOTHING_ELSE }).unexplained === 0;
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
      placeOf(row),
      {
        notInTruthMin: row.not_in_truth_min,
        notInTruthMax: row.not_in_truth_max,
        notStreamed: row.not_streamed,
      },
    ]),
  );
}
