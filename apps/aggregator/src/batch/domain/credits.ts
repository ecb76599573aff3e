/** What the conversions of a day were credited to, added up. */
import type { Canonical } from "./canonicalJson.ts";
import type { CreditedLine, TruthLine } from "./truth.ts";

/** What was credited, as the engine tells. */
export interface AttributionSummary {
  readonly conversions: number;
  readonly credited: number;
  /** A hash over every conversion with its click or reason, its value and its window, as a set. */
  readonly digest: string;
  /** By campaign id. */
  readonly lines: readonly {
    readonly campaignId: string;
    readonly credited: number;
    readonly valueMicros: bigint;
  }[];
}

/** What a version says of its conversions, beside what it says of everything else. */
export function attributionContent({
  conversions,
  credited,
  digest,
}: AttributionSummary): Canonical {
  return { conversions, credited, digest };
}

/** Lines with what their campaigns' clicks were credited with. */
export function withCredits(
  lines: readonly TruthLine[],
  summary: AttributionSummary | null,
): CreditedLine[] {
  const byCampaign = new Map(summary?.lines.map((line) => [line.campaignId, line]));
  return lines.map((line) => {
    const own = byCampaign.get(line.campaignId);
    const [attributedConversions, attributedValueMicros] = [
      own?.credited ?? 0,
      own?.valueMicros ?? 0n,
    ];
    return { ...line, attributedConversions, attributedValueMicros };
  });
}

/** Hours with conversions that are credited together. */
export interface CreditedHours {
  /** Both inclusive, epoch milliseconds. */
  readonly firstHourMs: number;
  readonly lastHourMs: number;
}

/** Cuts hours into runs of at most so many conversions, but at least one hour each. */
export function planCredits(
  hours: readonly { readonly hourMs: number; readonly conversions: number }[],
  conversionsMax: number,
): CreditedHours[] {
  const runs: (CreditedHours & { readonly conversions: number })[] = [];
  for (const { hourMs, conversions } of hours.toSorted((a, b) => a.hourMs - b.hourMs)) {
    const last = runs.at(-1);
    if (last === undefined || last.conversions + conversions > conversionsMax) {
      runs.push({ firstHourMs: hourMs, lastHourMs: hourMs, conversions });
    } else {
      const more = { lastHourMs: hourMs, conversions: last.conversions + conversions };
      runs.splice(-1, 1, { ...last, ...more });
    }
  }
  return runs.map(({ firstHourMs, lastHourMs }) => ({ firstHourMs, lastHourMs }));
}
