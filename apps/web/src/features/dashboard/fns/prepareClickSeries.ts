import type { InstantRange } from "@trueclick/shared/calendar";

export interface ClickBucket {
  /** Inclusive, epoch milliseconds. */
  readonly startMs: number;
  /** Exclusive, epoch milliseconds. */
  readonly endMs: number;
}

export interface ClickPoint {
  readonly label: string;
  /** For a tooltip: the bucket in full. */
  readonly title: string;
  /** Clicks of a bucket that can no longer change, else null. */
  readonly final: number | null;
  /** Clicks so far of a bucket that may still grow, else null. */
  readonly provisional: number | null;
  /** Clicks of the bucket of the previous period that is as far from its start, else null. */
  readonly previous: number | null;
  /** What was counted, final or not; null where nothing is known. */
  readonly clicks: number | null;
  readonly isFinal: boolean;
}

export interface ClickSeriesOptions {
  /** Buckets that end by then are final. */
  readonly finalUntilMs: number;
  /** Buckets outside have not been counted: a gap, not a zero. */
  readonly counted: InstantRange;
  readonly formatLabel: (startMs: number) => string;
  readonly formatTitle: (bucket: ClickBucket) => string;
}

/**
 * Decides everything the click chart shows; the component only draws it.
 *
 * The last final point is given to both series, so that the dashed line starts where the solid one
 * ends; an unfinished bucket is never joined by a solid line.
 *
 * @param clicksByStart Clicks by bucket start; a counted bucket without an entry had none.
 * @param previous Clicks of the previous period, in the order of its buckets.
 */
export function prepareClickSeries(
  buckets: readonly ClickBucket[],
  clicksByStart: ReadonlyMap<number, number>,
  previous: readonly (number | null)[],
  options: ClickSeriesOptions,
): ClickPoint[] {
  const { counted, finalUntilMs } = options;
  const isCounted = (bucket: ClickBucket) =>
    bucket.endMs > counted.fromMs && bucket.startMs < counted.toMs;
  const isFinal = (bucket: ClickBucket | undefined) =>
    bucket !== undefined && bucket.endMs <= finalUntilMs;

  return buckets.map((bucket, index) => {
    const clicks = isCounted(bucket) ? (clicksByStart.get(bucket.startMs) ?? 0) : null;
    const joinsLines =
      isFinal(bucket) && index + 1 < buckets.length && !isFinal(buckets[index + 1]);
    return {
      label: options.formatLabel(bucket.startMs),
      title: options.formatTitle(bucket),
      final: isFinal(bucket) ? clicks : null,
      provisional: !isFinal(bucket) || joinsLines ? clicks : null,
      previous: previous[index] ?? null,
      clicks,
      isFinal: isFinal(bucket),
    };
  });
}
