import type { EventLogReader } from "@trueclick/event-log";
import type { InstantRange } from "@trueclick/shared/calendar";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { closedThroughMs, type PartitionStand } from "../domain/rolledThrough.ts";
import type { HotHours } from "../ports/hotHours.ts";
import type { HotLines } from "../ports/hotLines.ts";
import type { RollupState, Rollups } from "../ports/rollups.ts";
import { hoursOf, type LinesFailed, tellLines } from "./tellLines.ts";

export interface RollupDeps {
  readonly log: Pick<EventLogReader, "partitionCount" | "offsets">;
  readonly rollups: Rollups;
  readonly hotHours: HotHours;
  readonly lines: HotLines;
  readonly allowedLatenessMs: number;
}

export interface RollupStep {
  /** What the hot store keeps of hours that are rolled up; null for none. */
  readonly rolled: InstantRange | null;
  /** Epoch milliseconds, a whole hour; null while a partition was not read yet. */
  readonly closedMs: number | null;
  readonly moved: boolean;
}

/** Hours of one INSERT. */
const CHUNK_MS = 24 * HOUR_MS;
/** Rolled up once more at each step, should a clock have run ahead of its margin. */
const AGAIN_MS = 3 * HOUR_MS;
/** Hours whose lines are written before the border moves; those of more come later, and meanwhile have none. */
const LINES_HOURS_MAX = 24;
/** Hours older than the retention of `hot_hours` are dropped at once. */
const RETENTION_MS = 36 * DAY_MS;

/**
 * Rolls up the hours whose windows have closed, and moves the border behind them. In this order: a
 * reader takes an hour from the rows of hours once the border has passed it, and from minutes
 * before, so that it meets each hour once, whole, whenever it looks.
 *
 * @param linesFailed Told where hours have no lines for now.
 * @returns up to where all windows are closed, and whether the border was moved now.
 * @throws whatever a store throws. Do it again.
 */
export async function rollUp(deps: RollupDeps, linesFailed: LinesFailed): Promise<RollupStep> {
  const { rollups, allowedLatenessMs } = deps;
  const state = await rollups.state();
  const stands = await standsOf(deps, state);
  const closedMs = closedThroughMs(stands, state.nowMs, allowedLatenessMs);
  const rolledMs = state.rolledThroughMs;
  const keptMs = Math.floor((state.nowMs - RETENTION_MS) / HOUR_MS) * HOUR_MS;
  const rolled = rolledMs === null ? null : { fromMs: keptMs, toMs: rolledMs };
  if (closedMs === null) return { closedMs, moved: false, rolled };
  // Of a count of two an hour keeps the greater. What was counted of a part of the log may be too
  // much, of an event whose first copy was in the other part, so it must not come there.
  const toMs = Math.min(closedMs, state.brokenMs ?? closedMs);
  if (toMs <= (rolledMs ?? 0)) return { closedMs, moved: false, rolled };
  const hours = await rollUpHours(deps, { keptMs, rolledMs, toMs });
  if (hours.length <= LINES_HOURS_MAX) await tellLines(deps.lines, hours, linesFailed);
  else await deps.lines.forget(hours);
  await rollups.advance(toMs);
  await deps.lines.drop(keptMs);
  return { closedMs, moved: true, rolled: { fromMs: keptMs, toMs } };
}

/** @returns starts of the hours that may be others than before, once the border has moved. */
async function rollUpHours(
  { rollups, hotHours }: RollupDeps,
  of: { readonly keptMs: number; readonly rolledMs: number | null; readonly toMs: number },
): Promise<number[]> {
  const { keptMs, rolledMs, toMs } = of;
  const oldestMs = await hotHours.oldestHourMs();
  const newMs = Math.max(keptMs, rolledMs ?? oldestMs ?? toMs);
  if (oldestMs === null) return hoursOf({ fromMs: newMs, toMs });
  const fromMs = Math.max(rolledMs === null ? oldestMs : rolledMs - AGAIN_MS, oldestMs, keptMs);
  const quarters = await rollups.quarterAdvertisers();
  for (let startMs = fromMs; startMs < toMs; startMs += CHUNK_MS) {
    const chunk = { fromMs: startMs, toMs: Math.min(toMs, startMs + CHUNK_MS) };
    await hotHours.rollUp(chunk, quarters);
  }
  return hoursOf({ fromMs: Math.min(fromMs, newMs), toMs });
}

async function standsOf(
  { log }: RollupDeps,
  { partitions }: RollupState,
): Promise<PartitionStand[]> {
  const all = Array.from({ length: log.partitionCount }, (_none, at) => at);
  return Promise.all(
    all.map(async (partition) => {
      const progress = partitions.get(partition);
      const { startOffset, endOffset } = await log.offsets(partition);
      const nextOffset = progress?.nextOffset ?? startOffset;
      return { watermarkMs: progress?.watermarkMs ?? null, isAtEnd: nextOffset === endOffset };
    }),
  );
}
