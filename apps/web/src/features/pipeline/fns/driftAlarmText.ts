import { formatCount } from "../../../shell/fns/format.ts";

interface DriftFound {
  readonly clicks: number;
  readonly places: number;
  readonly checkedMs: number | null;
}

/** What the watch over drift has found, in one sentence. */
export function driftAlarmText({ clicks, places, checkedMs }: DriftFound): string {
  if (clicks > 0) {
    const where =
      places === 1 ? "one hour of a campaign" : `${formatCount(places)} hours of campaigns`;
    const what = clicks === 1 ? "click without a cause" : "clicks without a cause";
    return `${formatCount(clicks)} ${what} in ${where}: this is an error of ours.`;
  }
  if (checkedMs === null) return "Nobody has looked yet.";
  return "Live estimate and billing differ by nothing that has no cause.";
}
