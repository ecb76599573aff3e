import type { EventLogReader } from "@trueclick/event-log";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { closedThroughMs, type PartitionStand } from "../domain/rolledThrough.ts";
import type { HotHours } from "../ports/hotHours.ts";
import type { RollupState, Rollups } from "../ports/rollups.ts";

export interface RollupDeps {
  readonly log: Pick<EventLogReader, "partitionCount" | "offsets">;
  readonly rollups: Rollups;
  readonly hotHours: HotHours;
  readonly allowedLatenessMs: number;
}

export interface RollupStep {
  /** Epoch milliseconds, a whole hour; null while a partition was not read yet. */
  readonly closedMs: number | null;
  readonly moved: boolean;
}

/** Hours of one INSERT. */
const CHUNK_MS = 24 * HOUR_MS;
/** Rolled up once more at each step, should a clock have run ahead of its margin. */
const AGAIN_MS = 3 * HOUR_MS;
/** Hours older than the retention of `hot_hours` are dropped at once. */
const RETENTION_MS = 36 * DAY_MS;

/**
 * Rolls up the hours whose windows have closed, and moves the border behind them. In this order: a
 * reader takes an hour from the rows of hours once the border has passed it, and from minutes
 * before, so that it meets each hour once, whole, whenever it looks.
 *
 * @returns up to where all windows are closed, and whether the border was moved now.
 * @throws whatever a store throws. Do it again.
 */
export async function rollUp(deps: RollupDeps): Promise<RollupStep> {
  const { rollups, hotHours, allowedLatenessMs } = deps;
  const state = await rollups.state();
  const stands = await standsOf(deps, state);
  const closedMs = closedThroughMs(stands, state.nowMs, allowedLatenessMs);
  const rolledMs = state.rolledThroughMs;
  if (closedMs === null) return { closedMs, moved: false };
  // Of a count of two an hour keeps the greater. What was counted of a part of the log may be too
  // much, of an event whose first copy was in the other part, so it must not come there.
  const toMs = Math.min(closedMs, state.brokenMs ?? closedMs);
  if (toMs <= (rolledMs ?? 0)) return { closedMs, moved: false };
  const oldestMs = await hotHours.oldestHourMs();
  if (oldestMs !== null) {
    const keptMs = Math.floor((state.nowMs - RETENTION_MS) / HOUR_MS) * HOUR_MS;
    const fromMs = Math.max(rolledMs === null ? oldestMs : rolledMs - AGAIN_MS, oldestMs, keptMs);
    const quarters = await rollups.quarterAdvertisers();
    for (let startMs = fromMs; startMs < toMs; startMs += CHUNK_MS) {
      const chunk = { fromMs: startMs, toMs: Math.min(toMs, startMs + CHUNK_MS) };
      await hotHours.rollUp(chunk, quarters);
    }
  }
  await rollups.advance(toMs);
  return { closedMs, moved: true };
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
