/** Look-back windows of attribution: who set which, since when. */
import {
  STANDARD_WINDOW_DAYS,
  type WindowDays,
  type WindowDecision,
  windowsInForce,
} from "@trueclick/shared/attribution";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { asc, eq } from "drizzle-orm";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { attributionWindows } from "../postgres/schema/attribution.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { type QueuedJobs, queueJobs, type TruthPartition } from "./jobs.ts";
import { currentTruth } from "./truthPointers.ts";

export interface NewWindow {
  /** Whose conversions; those of all advertisers when neither is given. */
  readonly advertiserId?: AdvertiserId | undefined;
  readonly campaignId?: CampaignId | undefined;
  /** Days of 24 hours; null: as the wider scope has it. */
  readonly days: WindowDays | null;
  /** Event time of conversions, inclusive, epoch milliseconds. */
  readonly effectiveFromMs: number;
  readonly reason: string;
  readonly createdBy: string;
}

export type WindowRow = typeof attributionWindows.$inferSelect;

/** Every window that was ever set, oldest first. */
export function listWindows({ db }: Pick<Stores, "db">): Promise<WindowRow[]> {
  return db.select().from(attributionWindows).orderBy(asc(attributionWindows.id));
}

/** A row as it is decided by. */
export function windowDecision(row: WindowRow): WindowDecision {
  const { id, advertiserId, campaignId, windowDays, effectiveFrom } = row;
  return {
    ...{ id, campaignId },
    scope: advertiserId === null ? "all" : campaignId === null ? "advertiser" : "campaign",
    days: windowDays,
    effectiveFromMs: effectiveFrom.getTime(),
  };
}

/** Tells the window that a conversion of a campaign has at an instant, in days of 24 hours. */
export async function windowsAt(
  { db }: Pick<Stores, "db">,
  atMs: number,
): Promise<(advertiserId: AdvertiserId, campaignId: CampaignId) => WindowDays> {
  const rows = await listWindows({ db });
  const range = { fromMs: atMs, toMs: atMs + 1 };
  return (advertiserId, campaignId) => {
    const own = rows.filter((row) => (row.advertiserId ?? advertiserId) === advertiserId);
    const [window] = windowsInForce(own.map(windowDecision), campaignId, range);
    return window?.days ?? STANDARD_WINDOW_DAYS;
  };
}

export interface WindowAdded extends QueuedJobs {
  readonly id: number;
  readonly partitions: readonly TruthPartition[];
}

/**
 * Sets a look-back window, and queues a recount of the counted days whose conversions it may concern,
 * all or nothing.
 *
 * @throws {RangeError} for an advertiser or a campaign that is not there.
 */
export async function addWindow(
  { db }: Pick<Stores, "db">,
  { advertiserId, campaignId, days, effectiveFromMs, reason, createdBy }: NewWindow,
): Promise<WindowAdded> {
  return db.transaction(async (tx) => {
    const owner = await ownerOf(tx, advertiserId, campaignId);
    const effectiveFrom = new Date(effectiveFromMs);
    const audit = { effectiveFrom, reason, createdBy };
    const [added] = await tx
      .insert(attributionWindows)
      .values({ advertiserId: owner, campaignId: campaignId ?? null, windowDays: days, ...audit })
      .returning({ id: attributionWindows.id });
    const scope: TenantScope =
      owner === null ? { kind: "all" } : { kind: "advertisers", ids: [owner] };
    const range = { fromMs: effectiveFromMs, toMs: FAR_MS };
    const counted = await currentTruth({ db: tx }, scope, range);
    const partitions = counted.map((day) => {
      return { advertiserId: day.advertiserId, billingDay: day.billingDay };
    });
    const of = campaignId ?? owner ?? "all";
    const words = days === null ? "as the wider scope" : `${days} days`;
    const why = `look-back window of ${of}, ${words}: ${reason}`.slice(0, REASON_LENGTH_MAX);
    const request = { partitions, reason: why, requestedBy: createdBy };
    const queued = await queueJobs({ db: tx }, scope, request);
    return { ...queued, id: added?.id ?? 0, partitions };
  });
}

const REASON_LENGTH_MAX = 500;
/** Past every billing day that has been counted. */
const FAR_MS = Date.UTC(9_000, 0);

async function ownerOf(
  tx: Pick<Stores["db"], "select">,
  advertiserId: AdvertiserId | undefined,
  campaignId: CampaignId | undefined,
): Promise<AdvertiserId | null> {
  if (campaignId !== undefined) {
    const [campaign] = await tx
      .select({ owner: campaigns.advertiserId })
      .from(campaigns)
      .where(eq(campaigns.id, campaignId));
    if (campaign === undefined || (advertiserId ?? campaign.owner) !== campaign.owner) {
      throw new RangeError(`there is no campaign ${campaignId}`);
    }
    return campaign.owner;
  }
  if (advertiserId === undefined) return null;
  const [advertiser] = await tx
    .select({ id: advertisers.id })
    .from(advertisers)
    .where(eq(advertisers.id, advertiserId));
  if (advertiser === undefined) throw new RangeError(`there is no advertiser ${advertiserId}`);
  return advertiser.id;
}
