import type { AdvertiserId } from "@trueclick/shared/ids";
import { VERDICT_CLASS, type Verdict } from "@trueclick/shared/verdict";
import type { StreamEvent } from "./streamEvent.ts";

/** Each is campaign × one dimension, by minute. Adding a cube is one line here. */
export const CUBES = [
  { name: "ad", valueOf: (event: StreamEvent) => event.adId },
  { name: "geo", valueOf: (event: StreamEvent) => event.geo },
  { name: "device", valueOf: (event: StreamEvent) => event.device },
  { name: "publisher", valueOf: (event: StreamEvent) => event.publisherId },
] as const satisfies readonly { name: string; valueOf: (event: StreamEvent) => string }[];

type CubeName = (typeof CUBES)[number]["name"];

/** Which cell: one dimension value of one campaign in one minute. Part of its key, with the partition. */
export interface CellKey {
  readonly advertiserId: AdvertiserId;
  readonly cube: CubeName;
  readonly campaignId: string;
  readonly windowStartMs: number;
  readonly dimensionValue: string;
}

interface Measures {
  readonly clicks: number;
  readonly invalidClicks: number;
  readonly duplicateClicks: number;
  readonly impressions: number;
  readonly conversions: number;
  readonly costMicros: bigint;
}

/**
 * The absolute counts of one cell, as seen from one partition. Never a delta.
 *
 * `version` is the offset of the last record that changed it. Rows are made between records only,
 * so that one version has one content, whoever writes it and however often.
 */
export interface CellTotals extends CellKey, Measures {
  readonly version: bigint;
}

/** A cell while its window is open. */
export type OpenCell = { -readonly [Field in keyof CellTotals]: CellTotals[Field] };

export function openCell(key: CellKey): OpenCell {
  return {
    ...key,
    clicks: 0,
    invalidClicks: 0,
    duplicateClicks: 0,
    impressions: 0,
    conversions: 0,
    costMicros: 0n,
    version: 0n,
  };
}

type Count = Exclude<keyof Measures, "costMicros">;

const COUNT_OF_TYPE = {
  click: "clicks",
  impression: "impressions",
  conversion: "conversions",
} as const;

/**
 * The count that an event raises, if any. What is not counted shows only for clicks, since only
 * they are billed, and test traffic shows nowhere.
 */
export function countOf(event: StreamEvent, verdict: Verdict): Count | null {
  const verdictClass = VERDICT_CLASS[verdict];
  if (verdictClass === "counted") return COUNT_OF_TYPE[event.eventType];
  if (event.eventType !== "click" || event.test) return null;
  return verdictClass === "duplicate" ? "duplicateClicks" : "invalidClicks";
}
