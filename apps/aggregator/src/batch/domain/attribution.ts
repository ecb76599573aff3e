/** What conversions are credited by, beside what their day was judged by. */
import {
  STANDARD_WINDOW_DAYS,
  type WindowDecision,
  type WindowInForce,
  windowsInForce,
} from "@trueclick/shared/attribution";
import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";
import type { Canonical } from "./canonicalJson.ts";

/** An earlier day whose valid clicks may be credited. */
export interface LookbackDay {
  readonly billingDay: IsoDay;
  /** Hash of what was judged; null while the day has no version, and so no valid click. */
  readonly judgedHash: string | null;
}

export interface PinnedAttribution {
  /** Names the model and the code that credits. */
  readonly model: string;
  /** Windows of the campaigns that have another than the standard one at some time of the day. */
  readonly windows: readonly {
    readonly campaignId: string;
    readonly inForce: readonly WindowInForce[];
  }[];
  /** Every earlier day that the longest of these windows touches, ascending. */
  readonly lookback: readonly LookbackDay[];
}

/** The windows in force on a day that are not the standard one all day. */
export function pinnedWindows(
  decisions: readonly WindowDecision[],
  campaigns: readonly { readonly id: string }[],
  day: InstantRange,
): PinnedAttribution["windows"] {
  return campaigns
    .map(({ id }) => ({ campaignId: id, inForce: windowsInForce(decisions, id, day) }))
    .filter(({ inForce }) => inForce.some(({ days }) => days !== STANDARD_WINDOW_DAYS));
}

/** The time before a day in which a click may lie that a conversion of the day is credited to. */
export function lookbackRange(
  windows: PinnedAttribution["windows"],
  campaigns: readonly { readonly id: string }[],
  { fromMs }: InstantRange,
): InstantRange {
  const days = windows.flatMap(({ inForce }) => inForce.map((window) => window.days));
  const isStandard = windows.length < campaigns.length;
  const longest = Math.max(...days, isStandard ? STANDARD_WINDOW_DAYS : 0);
  return { fromMs: fromMs - longest * DAY_MS, toMs: fromMs };
}

/** What a job keeps of it, in words that the audit page shows. */
export function attributionJson({ model, windows, lookback }: PinnedAttribution): Canonical {
  return {
    model,
    standard_window_days: STANDARD_WINDOW_DAYS,
    windows: windows.flatMap(({ campaignId, inForce }) =>
      inForce.map(({ fromMs, days }) => ({ campaign_id: campaignId, from_ms: fromMs, days })),
    ),
    lookback: lookback.map(({ billingDay, judgedHash }) => {
      return { billing_day: billingDay, judged_hash: judgedHash };
    }),
  };
}
