import { EVENT_TYPES } from "@trueclick/shared/event/stored";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { VERDICT_CLASS, type Verdict } from "@trueclick/shared/verdict";
import { COUNT } from "./cellTable.ts";
import type { FieldName } from "./storedFields.ts";

interface Cube {
  readonly name: string;
  /** The field whose contents are the dimension's value. */
  readonly field: FieldName;
}

/** Each is campaign × one dimension, by minute. Adding a cube is one line here. */
export const CUBES = [
  { name: "ad", field: "ad_id" },
  { name: "geo", field: "geo" },
  { name: "device", field: "device" },
  { name: "publisher", field: "publisher_id" },
] as const satisfies readonly Cube[];

type CubeName = (typeof CUBES)[number]["name"];

export type CubeField = (typeof CUBES)[number]["field"];

/** Which cell: one dimension value of one campaign in one minute. Part of its key, with the partition. */
interface CellKey {
  readonly advertiserId: AdvertiserId;
  readonly cube: CubeName;
  readonly campaignId: string;
  readonly windowStartMs: number;
  readonly dimensionValue: string;
}

/**
 * The absolute counts of one cell, as seen from one partition. Never a delta.
 *
 * `version` is the offset of the last record that changed it. Rows are made between records only,
 * so that one version has one content, whoever writes it and however often.
 */
export interface CellTotals extends CellKey {
  readonly clicks: number;
  readonly invalidClicks: number;
  /** Those of the invalid clicks that are GIVT. */
  readonly givtClicks: number;
  readonly duplicateClicks: number;
  readonly impressions: number;
  readonly conversions: number;
  readonly costMicros: bigint;
  readonly version: bigint;
}

/** The same as far as a backfill compares with it. */
export type HourlyTotals = Omit<CellTotals, "givtClicks">;

/** Totals of some cells, each made when it is come to; as often as one likes. */
export interface CellRows extends Iterable<CellTotals> {
  readonly length: number;
}

/** What `countAt` answers for an event that no count shows. */
export const NO_COUNT = -1;

const COUNT_OF_TYPE = {
  click: "clicks",
  impression: "impressions",
  conversion: "conversions",
} as const;
const COUNT_AT_TYPE = Int32Array.from(EVENT_TYPES, (type) => COUNT[COUNT_OF_TYPE[type]]);
const CLICK = EVENT_TYPES.indexOf("click");

/**
 * The count that an event raises, by its place in `COUNT`. What is not counted shows only for
 * clicks, since only they are billed, and test traffic shows nowhere.
 *
 * @param eventType Place in `EVENT_TYPES`.
 */
export function countAt(eventType: number, test: boolean, verdict: Verdict): number {
  if (verdict === "valid") return COUNT_AT_TYPE[eventType] ?? NO_COUNT;
  if (eventType !== CLICK || test) return NO_COUNT;
  const verdictClass = VERDICT_CLASS[verdict];
  if (verdictClass === "duplicate") return COUNT.duplicateClicks;
  return verdictClass === "givt" ? COUNT.givtClicks : COUNT.invalidClicks;
}
