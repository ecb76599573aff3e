import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import type { HotLines } from "../ports/hotLines.ts";

/** Told of lines that could not be written. Must not throw. */
export type LinesFailed = (error: unknown) => void;

/**
 * Writes the lines of hours, or says that they have none. Without lines a reader asks the hot store; so that
 * they cannot be written never keeps the border, or an hour that is healed, from being told.
 *
 * @throws whatever the store of lines throws that takes no note of it: lines of before may be over.
 */
export async function tellLines(
  lines: HotLines,
  hoursMs: readonly number[],
  failed: LinesFailed,
): Promise<void> {
  if (hoursMs.length === 0) return;
  try {
    await lines.write(hoursMs);
  } catch (error) {
    failed(error);
    await lines.forget(hoursMs);
  }
}

/** Starts of the hours of a range of whole ones. */
export function hoursOf({ fromMs, toMs }: InstantRange): number[] {
  const hours = Math.max(0, (toMs - fromMs) / HOUR_MS);
  return Array.from({ length: hours }, (_none, at) => fromMs + at * HOUR_MS);
}
