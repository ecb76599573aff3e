import type { CampaignId } from "@trueclick/shared/ids";
import { VERDICT_CLASS } from "@trueclick/shared/verdict";
import { type Canonical, canonicalJson } from "./canonicalJson.ts";
import type { PinnedInputs } from "./inputs.ts";
import type { TakenOver } from "./takenOver.ts";

/** What one campaign costs on one billing day: the smallest thing that is billed. */
export interface TruthLine {
  readonly campaignId: CampaignId;
  /** Valid clicks: Total Net, what is billed. */
  readonly clicks: number;
  /** All clicks but duplicates and test traffic. */
  readonly grossClicks: number;
  /** Gross without general invalid traffic. */
  readonly netClicks: number;
  readonly duplicateClicks: number;
  readonly impressions: number;
  readonly conversions: number;
  /** Exact distinct users with a valid click. */
  readonly uniqueUsers: number;
  readonly costMicros: bigint;
}

/** A line with what the clicks of its campaign were credited with on that day. */
export interface CreditedLine extends TruthLine {
  readonly attributedConversions: number;
  /** Micros of the advertiser's currency. */
  readonly attributedValueMicros: bigint;
}

/** What a build holds, as the engine tells. */
export interface BuildSummary {
  /** By campaign id, one each. */
  readonly lines: readonly TruthLine[];
  /** Events of all types by verdict. */
  readonly eventsByVerdict: Readonly<Record<string, number>>;
  readonly clicksByVerdict: Readonly<Record<string, number>>;
  /** Rows of evidence, and a hash over them as a set, in hex. */
  readonly rejects: { readonly rows: number; readonly digest: string };
  /** SHA-256 over the sorted cells of each campaign and event hour; by campaign, then hour. */
  readonly cells: readonly {
    readonly campaignId: string;
    readonly eventHourSeconds: number;
    readonly sha256: string;
  }[];
}

/** A finished count, ready to be published. */
export interface TruthVersion {
  readonly currency: string;
  readonly inputsHash: string;
  readonly contentHash: string;
  /** Over what was judged, without what was credited. */
  readonly judgedHash: string;
  readonly lines: readonly CreditedLine[];
  readonly clicksByVerdict: Readonly<Record<string, number>>;
  readonly costMicros: bigint;
  /** Hours whose rows lie in earlier builds. */
  readonly takenOver: readonly TakenOver[];
}

/** Verdicts of which a gross click has none, and those that a net click has not either. */
export const NOT_GROSS_VERDICTS = verdictsOf(["duplicate", "test"]);
export const NOT_NET_VERDICTS = verdictsOf(["duplicate", "test", "givt"]);
export const DUPLICATE_VERDICTS = verdictsOf(["duplicate"]);

/**
 * The one text of what a version says, whichever machine and job counted it. Equal text, equal
 * truth: lines, every cell of the cube, and which events were not counted.
 */
export function canonicalContent(inputs: PinnedInputs, summary: BuildSummary): string {
  const lines = summary.lines.map((line): Canonical => {
    return { ...line, costMicros: line.costMicros.toString() };
  });
  const cells = summary.cells.map((cell): Canonical => ({ ...cell }));
  return canonicalJson({
    advertiser_id: inputs.advertiserId,
    billing_day: inputs.billingDay,
    currency: inputs.currency,
    lines,
    cells,
    rejects: { ...summary.rejects },
  });
}

/**
 * What does not add up between the events that were read and what the build says of them; null when
 * all of them have exactly one verdict, and every one but the valid ones its evidence.
 */
export function findDiscrepancy(events: number, summary: BuildSummary): string | null {
  const judged = sum(Object.values(summary.eventsByVerdict));
  if (judged !== events) return `${events} events of the day, but ${judged} verdicts`;
  const notValid = judged - (summary.eventsByVerdict["valid"] ?? 0);
  if (summary.rejects.rows !== notValid) {
    return `${notValid} events are not valid, but ${summary.rejects.rows} rows say why`;
  }
  return null;
}

export function totalCostMicros(lines: readonly TruthLine[]): bigint {
  return lines.reduce((total, { costMicros }) => total + costMicros, 0n);
}

function verdictsOf(classes: readonly string[]): string[] {
  return Object.entries(VERDICT_CLASS)
    .filter(([, verdictClass]) => classes.includes(verdictClass))
    .map(([verdict]) => verdict);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
