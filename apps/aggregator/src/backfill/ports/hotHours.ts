import type { InstantRange } from "@trueclick/shared/calendar";
import type { HourlyTotals } from "../../stream/domain/cubes.ts";
import type { StreamReject } from "../../stream/domain/outcomes.ts";
import type { Correction } from "../domain/corrections.ts";
import type { SpanTotals } from "../domain/spans.ts";

/** The hours of the hot store, and the stream's evidence. Every write is safe to repeat. */
export interface HotHours {
  /** The stream's evidence on readable events of a partition with event times in `range`. */
  rejects(partition: number, range: InstantRange, nextOffset: bigint): Promise<StreamReject[]>;
  /** Minutes of a partition with starts in `range` as the stream has counted them, and no backfill. */
  streamCells(partition: number, range: InstantRange): Promise<HourlyTotals[]>;
  writeCorrections(corrections: readonly Correction[]): Promise<void>;
  writeSpans(partition: number, spans: readonly SpanTotals[]): Promise<void>;
  /** Start of the oldest hour that has minutes, epoch milliseconds; null before any. */
  oldestHourMs(): Promise<number | null>;
  /** Adds the minutes of whole hours up to spans. */
  rollUp(hours: InstantRange, quarterAdvertisers: ReadonlySet<string>): Promise<void>;
}
