import type { StoredEvent } from "@trueclick/shared/event/stored";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import type { Campaign, CampaignSnapshot } from "../domain/campaigns.ts";

/** A whole minute, so that offsets from it read as times of a window. */
export const BASE_MS = Date.UTC(2026, 2, 2, 10, 0);

const CLICK: StoredEvent = {
  schema_version: 1,
  event_type: "click",
  event_id: "evt-00000001",
  event_time: BASE_MS,
  ingest_time: BASE_MS + 50,
  campaign_id: "cmp_1",
  ad_id: "ad_1",
  publisher_id: "pub_1",
  user_id: "usr_1",
  geo: "DE",
  device: "mobile",
  region: "local",
  source_id: "src_1",
  flags: ["token_absent"],
};

/** Any key will do: no result depends on it. */
export const HASH_KEY = Int32Array.of(1, 2, 3, 4);

/** A click as the edge stores it; what is named differs. */
export function storedClick(differences: Partial<StoredEvent> = {}): StoredEvent {
  return { ...CLICK, ...differences };
}

/** A block as the edge appends it. A string stands for a line that is no event. */
export function blockOf(lines: readonly (StoredEvent | string)[]): Buffer {
  const texts = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  return Buffer.from(texts.join("\n"));
}

export function campaign(differences: Partial<Campaign> = {}): Campaign {
  return {
    advertiserId: advertiserIdSchema.parse("adv_1"),
    createdAtMs: 0,
    rates: [{ effectiveFromMs: 0, cpcMicros: 250_000n, createdAtMs: 0 }],
    ...differences,
  };
}

export const CAMPAIGNS: CampaignSnapshot = new Map([["cmp_1", campaign()]]);
