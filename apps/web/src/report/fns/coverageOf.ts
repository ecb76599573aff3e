import { dayBounds, dayOf, type InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { type Bucket, bucketsOf } from "./buckets.ts";

/** How far a report has come. */
export interface Coverage {
  /** Buckets that end by then are final, epoch milliseconds. */
  readonly finalUntilMs: number;
  /** Whether a bucket has been counted, at least in part. If not, it is a gap and not a zero. */
  readonly isCounted: (bucket: Bucket) => boolean;
}

/** What a report says about how far it has come. */
export interface CoverageMeta {
  readonly mode: "dashboard" | "billing";
  readonly as_of: string;
  readonly watermark: string | null;
  readonly versions?: readonly { readonly day: string }[] | undefined;
  readonly versions_omitted?: number | undefined;
}

interface CoverageAccount {
  readonly timeZone: string;
  readonly settlingHours: number;
}

/**
 * Live figures are counted up to the answer, and final once no late click is accepted any more.
 * Billing figures are counted on the days that have a version, and final once a day has settled.
 */
export function coverageOf(meta: CoverageMeta, account: CoverageAccount): Coverage {
  const asOfMs = Date.parse(meta.as_of);
  const hasBegun = (bucket: Bucket) => bucket.startMs < asOfMs;
  if (meta.mode === "dashboard") {
    return {
      finalUntilMs: meta.watermark === null ? 0 : Date.parse(meta.watermark),
      isCounted: hasBegun,
    };
  }
  const { timeZone } = account;
  const settledMs = asOfMs - account.settlingHours * HOUR_MS;
  const finalUntilMs = dayBounds(dayOf(settledMs, timeZone), timeZone).fromMs;
  if (meta.versions_omitted !== undefined && meta.versions_omitted > 0) {
    return { finalUntilMs, isCounted: hasBegun };
  }
  const days = new Set(meta.versions?.map((version) => version.day));
  return { finalUntilMs, isCounted: (bucket) => days.has(dayOf(bucket.startMs, timeZone)) };
}

/**
 * Whether every day of a range has been counted. What was counted in part is no measure for
 * anything: against it, any period looks like growth.
 */
export function isFullyCounted(
  meta: CoverageMeta,
  frame: InstantRange & { readonly account: CoverageAccount },
): boolean {
  const { isCounted } = coverageOf(meta, frame.account);
  return bucketsOf(frame, "day", frame.account.timeZone).every(isCounted);
}
