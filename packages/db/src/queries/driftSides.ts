/** Both sides of drift as they are read from the engine, an advertiser at a time. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema, type CampaignId } from "@trueclick/shared/ids";
import { SECOND_MS } from "@trueclick/shared/time";
import { settledHours } from "../routing/hotSettled.ts";
import { ReportQueryError } from "../routing/route.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope } from "../tenant.ts";
import type { EvidenceCount } from "./driftCauses.ts";
import {
  type DriftTotal,
  driftEvidence,
  driftTotals,
  type FrontierParams,
} from "./driftEvidence.ts";
import type { DriftFacts } from "./driftFacts.ts";
import { daysOf, readFrontiers } from "./driftFrontiers.ts";
import { type DriftSpan, driftSpans } from "./driftSpans.ts";
import { heldParams } from "./heldRows.ts";
import type { PipelineOffsets } from "./pipelineOffsets.ts";
import type { TruthPointer } from "./truthPointers.ts";

/** Most rows of an answer: campaigns times hours. */
export const DRIFT_ROWS_MAX = 50_000;

/** Whole hours that are read, of whom, and what was known before. */
export interface SidesAsked {
  readonly scope: TenantScope;
  readonly range: InstantRange;
  readonly campaignId: CampaignId | undefined;
  readonly facts: DriftFacts;
  readonly nowMs: number;
}

/** Clicks of an advertiser on both sides, and what both say of single events. */
export interface AdvertiserSides extends ReadEvidence {
  readonly advertiserId: AdvertiserId;
  /** Campaigns and hours with a click on either side. */
  readonly totals: readonly DriftTotal[];
}

interface ReadEvidence {
  readonly tenant: TenantScope;
  /** How far everybody has read. */
  readonly params: FrontierParams;
  /** By `placeOf`. */
  readonly evidence: ReadonlyMap<string, readonly EvidenceCount[]>;
}

/** A campaign and hour, as a key. */
export const placeOf = ({
  campaign,
  hour,
}: {
  readonly campaign: string;
  /** Epoch seconds. */
  readonly hour: number;
}) => `${hour}/${campaign}`;

/** @throws {ReportQueryError} naming the parameter, if the answer would have too many rows. */
export async function readDriftSides(
  stores: Stores,
  asked: SidesAsked,
): Promise<AdvertiserSides[]> {
  const { scope, range, campaignId, facts, nowMs } = asked;
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
  assertFewRows(totals.length);

  const sides: AdvertiserSides[] = [];
  for (const [advertiser, ofAdvertiser] of Map.groupBy(totals, (total) => total.advertiser)) {
    const advertiserId = advertiserIdSchema.parse(advertiser);
    const read = early ?? (await readEvidence(stores, contextOf(advertiserId)));
    sides.push({ advertiserId, ...read, totals: ofAdvertiser });
  }
  return sides;
}

/** @throws {ReportQueryError} naming the parameter, where an answer of so many rows is too long. */
export function assertFewRows(rows: number): void {
  if (rows <= DRIFT_ROWS_MAX) return;
  throw new ReportQueryError("from", `more than ${DRIFT_ROWS_MAX} rows; ask for a shorter range`);
}

/** The rows of all spans. */
async function readSpans<Row>(
  spans: readonly DriftSpan[],
  read: (span: DriftSpan) => Promise<Row[]>,
): Promise<Row[]> {
  return (await Promise.all(spans.map(read))).flat();
}

const campaignParams = ({ campaignId }: Pick<SidesAsked, "campaignId">) => ({
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
  return { tenant, params, evidence: Map.groupBy(found, placeOf) };
}

const secondsOf = ({ fromMs, toMs }: InstantRange) => ({
  from: fromMs / SECOND_MS,
  to: toMs / SECOND_MS,
});
