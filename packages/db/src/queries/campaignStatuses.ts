/** When campaigns are paused and go on: the source of the verdict `inactive_campaign`. */
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { and, asc, eq, gt } from "drizzle-orm";
import { type CampaignStatus, campaignStatuses, campaigns } from "../postgres/schema/campaigns.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
import { type QueuedJobs, queueJobs, type TruthPartition } from "./jobs.ts";
import { currentTruth } from "./truthPointers.ts";

export interface NewCampaignStatus {
  readonly campaignId: CampaignId;
  readonly status: CampaignStatus;
  /** Event time, inclusive, epoch milliseconds. */
  readonly effectiveFromMs: number;
  readonly reason: string;
  readonly createdBy: string;
}

export interface StatusAdded extends QueuedJobs {
  /** False where the campaign had this status from that instant on already. */
  readonly isNew: boolean;
  readonly partitions: readonly TruthPartition[];
}

/**
 * Pauses a campaign, or lets it go on, from an instant of event time until its next status, and
 * queues a recount of the counted days between them, all or nothing. The same again changes nothing.
 *
 * @throws {RangeError} for a campaign that the scope does not have, or when it has the other status
 *   from that very instant on: rows are added, not changed.
 */
export async function addCampaignStatus(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { campaignId, status, effectiveFromMs, reason, createdBy }: NewCampaignStatus,
): Promise<StatusAdded> {
  return db.transaction(async (tx) => {
    const advertiserId = await ownerOf(tx, scope, campaignId);
    const effectiveFrom = new Date(effectiveFromMs);
    const ofCampaign = eq(campaignStatuses.campaignId, campaignId);
    const [added] = await tx
      .insert(campaignStatuses)
      .values({ campaignId, effectiveFrom, status, reason, createdBy })
      .onConflictDoNothing()
      .returning({ status: campaignStatuses.status });
    if (added === undefined) {
      const [there] = await tx
        .select({ status: campaignStatuses.status })
        .from(campaignStatuses)
        .where(and(ofCampaign, eq(campaignStatuses.effectiveFrom, effectiveFrom)));
      if (there?.status !== status) {
        const words = `${campaignId} is ${there?.status ?? "of another status"} from`;
        throw new RangeError(`${words} ${effectiveFrom.toISOString()} on already`);
      }
      return { isNew: false, partitions: [], requestId: "", jobIds: [], alreadyQueued: 0 };
    }
    const [next] = await tx
      .select({ effectiveFrom: campaignStatuses.effectiveFrom })
      .from(campaignStatuses)
      .where(and(ofCampaign, gt(campaignStatuses.effectiveFrom, effectiveFrom)))
      .orderBy(asc(campaignStatuses.effectiveFrom))
      .limit(1);
    // A click that a pause takes away within an hour of a day's end may have made one a double click.
    const range = {
      fromMs: effectiveFromMs - HOUR_MS,
      toMs: next?.effectiveFrom.getTime() ?? FAR_MS,
    };
    const own = { kind: "advertisers", ids: [advertiserId] } as const;
    const days = await currentTruth({ db: tx }, own, range);
    const partitions = days.map(({ billingDay }) => ({ advertiserId, billingDay }));
    const why = `${campaignId} ${status}: ${reason}`.slice(0, REASON_LENGTH_MAX);
    const request = { partitions, reason: why, requestedBy: createdBy };
    return { ...(await queueJobs({ db: tx }, own, request)), isNew: true, partitions };
  });
}

const REASON_LENGTH_MAX = 500;
/** Past every billing day that has been counted. */
const FAR_MS = Date.UTC(9_000, 0);

async function ownerOf(
  tx: Pick<Stores["db"], "select">,
  scope: TenantScope,
  campaignId: CampaignId,
): Promise<AdvertiserId> {
  const [campaign] = await tx
    .select({ advertiserId: campaigns.advertiserId })
    .from(campaigns)
    .where(and(eq(campaigns.id, campaignId), tenantWhere(scope, campaigns.advertiserId)));
  if (campaign === undefined) throw new RangeError(`there is no campaign ${campaignId}`);
  return campaign.advertiserId;
}
