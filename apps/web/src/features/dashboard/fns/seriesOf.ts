import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import {
  type Bucket,
  bucketsOf,
  type Granularity,
  labelFormatter,
} from "../../../report/fns/buckets.ts";
import { type CoverageMeta, coverageOf } from "../../../report/fns/coverageOf.ts";
import { formatCount } from "../../../shell/fns/format.ts";
import { type ClickPoint, prepareClickSeries } from "./prepareClickSeries.ts";

/** A report cut by time, as far as the chart needs it. */
export interface TimedReport {
  readonly rows: readonly { readonly time?: string | undefined; readonly clicks: number }[];
  readonly meta: CoverageMeta;
}

interface TimedFrame {
  readonly fromMs: number;
  readonly toMs: number;
  readonly account: { readonly timeZone: string; readonly settlingHours: number };
}

/** The points of the chart, out of a report and the one of the period before. */
export function seriesOf(
  report: TimedReport,
  frame: TimedFrame,
  granularity: Granularity,
  before: { readonly report: TimedReport; readonly frame: TimedFrame } | null,
): ClickPoint[] {
  const { timeZone } = frame.account;
  return prepareClickSeries(
    bucketsOf(frame, granularity, timeZone),
    clicksByStart(report),
    before === null ? [] : clicksInOrder(before.report, before.frame, granularity),
    {
      coverage: coverageOf(report.meta, frame.account),
      formatLabel: labelFormatter(granularity, timeZone),
      formatTitle: titleFormatter(granularity, timeZone),
    },
  );
}

/** What a sighted reader would take from the chart. */
export function summarise(points: readonly ClickPoint[]): string {
  const counted = points.filter((point) => point.clicks !== null);
  const total = counted.reduce((sum, point) => sum + (point.clicks ?? 0), 0);
  const peak = counted.reduce<ClickPoint | null>(
    (best, point) => ((point.clicks ?? 0) > (best?.clicks ?? -1) ? point : best),
    null,
  );
  if (peak === null) return "Clicks over time: nothing counted yet.";
  return (
    `Clicks over time: ${formatCount(total)} in all, ` +
    `most of them ${peak.title} with ${formatCount(peak.clicks ?? 0)}.`
  );
}

function clicksByStart(report: TimedReport): Map<number, number> {
  const clicks = new Map<number, number>();
  for (const row of report.rows) {
    if (row.time !== undefined) clicks.set(Date.parse(row.time), row.clicks);
  }
  return clicks;
}

function clicksInOrder(
  report: TimedReport,
  frame: TimedFrame,
  granularity: Granularity,
): (number | null)[] {
  const clicks = clicksByStart(report);
  const { isCounted } = coverageOf(report.meta, frame.account);
  return bucketsOf(frame, granularity, frame.account.timeZone).map((bucket) =>
    isCounted(bucket) ? (clicks.get(bucket.startMs) ?? 0) : null,
  );
}

function titleFormatter(granularity: Granularity, timeZone: string): (bucket: Bucket) => string {
  const day = { weekday: "short", day: "numeric", month: "short" } as const;
  const clock = { hour: "2-digit", minute: "2-digit" } as const;
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    ...day,
    ...(granularity === "day" ? {} : clock),
  });
  return ({ startMs, endMs }) => {
    const hours = (endMs - startMs) / HOUR_MS;
    const isOddDay = granularity === "day" && endMs - startMs !== DAY_MS;
    return isOddDay ? `${format.format(startMs)} (${hours} hours)` : format.format(startMs);
  };
}
