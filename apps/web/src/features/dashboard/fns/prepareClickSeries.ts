import type { Bucket } from "../../../report/fns/buckets.ts";
import type { Coverage } from "../../../report/fns/coverageOf.ts";

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
  readonly coverage: Coverage;
  readonly formatLabel: (startMs: number) => string;
  readonly formatTitle: (bucket: Bucket) => string;
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
  buckets: readonly Bucket[],
  clicksByStart: ReadonlyMap<number, number>,
  previous: readonly (number | null)[],
  options: ClickSeriesOptions,
): ClickPoint[] {
  const { isCounted, finalUntilMs } = options.coverage;
  const isFinal = (bucket: Bucket | undefined) =>
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
