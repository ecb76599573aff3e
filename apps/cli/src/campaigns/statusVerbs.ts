import { userInfo } from "node:os";
import type { CampaignStatus } from "@trueclick/db/postgres/schema/campaigns";
import { addCampaignStatus } from "@trueclick/db/queries/campaignStatuses";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";

export interface StatusChange {
  readonly campaign: string;
  readonly status: CampaignStatus;
  /** Event time, inclusive, epoch milliseconds. */
  readonly effectiveFromMs: number;
  readonly reason: string;
}

/** Pauses a campaign or lets it go on; its counted days from then on are counted again. */
export async function setStatus(context: CliContext, change: StatusChange): Promise<VerbResult> {
  const { campaign, status, effectiveFromMs, reason } = change;
  const campaignId = campaignIdSchema.safeParse(campaign);
  if (!campaignId.success) throw new CliError("refused", `there is no campaign ${campaign}`);
  const createdBy = `trueclick campaigns, ${userInfo().username}`;
  const wanted = { campaignId: campaignId.data, status, effectiveFromMs, reason, createdBy };
  const added = await withStores(await resolveStack(context), async (stores) => {
    try {
      return await addCampaignStatus(stores, { kind: "all" }, wanted);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new CliError("refused", error.message, { cause: error });
    }
  });
  const from = new Date(effectiveFromMs).toISOString();
  const { isNew, partitions } = added;
  return {
    text: isNew
      ? `${campaign} is ${status} from ${from} on: ${partitions.length} counted days are counted again.`
      : `${campaign} is ${status} from ${from} on already.`,
    json: {
      ...{ campaign_id: campaign, status, effective_from: from, added: isNew },
      request_id: isNew ? added.requestId : null,
      partitions: partitions.length,
    },
  };
}
