import { userInfo } from "node:os";
import { addWindow, listWindows, type WindowRow } from "@trueclick/db/queries/attributionWindows";
import { STANDARD_WINDOW_DAYS, type WindowDays } from "@trueclick/shared/attribution";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import { formatTable } from "../terminal/table.ts";

export interface WindowChange {
  readonly advertiser: string | undefined;
  readonly campaign: string | undefined;
  /** Null: as the wider scope has it. */
  readonly days: WindowDays | null;
  /** Event time of conversions, inclusive, epoch milliseconds. */
  readonly effectiveFromMs: number;
  readonly reason: string;
}

/** Sets a look-back window; the counted days from then on are counted again. */
export async function setWindow(context: CliContext, change: WindowChange): Promise<VerbResult> {
  const { advertiser, campaign, days, effectiveFromMs, reason } = change;
  const createdBy = `trueclick attribution, ${userInfo().username}`;
  const wanted = {
    advertiserId: advertiser === undefined ? undefined : advertiserIdSchema.parse(advertiser),
    campaignId: campaign === undefined ? undefined : campaignIdSchema.parse(campaign),
    ...{ days, effectiveFromMs, reason, createdBy },
  };
  const added = await withStores(await resolveStack(context), async (stores) => {
    try {
      return await addWindow(stores, wanted);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new CliError("refused", error.message, { cause: error });
    }
  });
  const { id, partitions, requestId } = added;
  return {
    text: `Window ${id}: ${partitions.length} counted days are counted again.`,
    json: { id, window_days: days, request_id: requestId, partitions: partitions.length },
  };
}

export async function listAllWindows(context: CliContext): Promise<VerbResult> {
  const rows = await withStores(await resolveStack(context), listWindows);
  const header = ["id", "of", "days", "from", "by", "reason"];
  const cells = rows.map((row) => [
    String(row.id),
    row.campaignId ?? row.advertiserId ?? "all",
    row.windowDays === null ? "as the wider scope" : String(row.windowDays),
    row.effectiveFrom.toISOString(),
    row.createdBy,
    row.reason,
  ]);
  const standard = `Where nothing is set, a click counts for ${STANDARD_WINDOW_DAYS} days.`;
  return {
    text: rows.length === 0 ? standard : `${formatTable(header, cells)}\n${standard}`,
    json: { standard_window_days: STANDARD_WINDOW_DAYS, windows: rows.map(toJson) },
  };
}

function toJson(row: WindowRow) {
  return {
    id: row.id,
    advertiser_id: row.advertiserId,
    campaign_id: row.campaignId,
    window_days: row.windowDays,
    effective_from: row.effectiveFrom.toISOString(),
    reason: row.reason,
    created_by: row.createdBy,
    created_at: row.createdAt.toISOString(),
  };
}
