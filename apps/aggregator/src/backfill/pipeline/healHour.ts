import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import type { CellTotals } from "../../stream/domain/cubes.ts";
import { WINDOW_SIZE_MS } from "../../stream/domain/partitionEngine.ts";
import type { CampaignDirectory } from "../../stream/ports/campaignDirectory.ts";
import type { HotStore } from "../../stream/ports/hotStore.ts";
import { correctionsOf } from "../domain/corrections.ts";
import {
  PartitionRecount,
  type Recount,
  type RecountOptions,
  uncounted,
} from "../domain/recount.ts";
import { toSpans } from "../domain/spans.ts";
import type { ArchivedHours, ArchivedPartition } from "../ports/archivedHours.ts";
import type { DirtyHour, PartitionBound } from "../ports/dirtyHours.ts";
import type { HotHours } from "../ports/hotHours.ts";

export interface HealDeps {
  readonly archive: ArchivedHours;
  readonly campaigns: CampaignDirectory;
  readonly hotStore: HotStore;
  readonly hotHours: HotHours;
  readonly quarterAdvertisers: () => Promise<ReadonlySet<string>>;
  readonly engine: Omit<RecountOptions, "partition">;
}

/**
 * The archive has events of a partition that is not counted yet: somebody has deleted its checkpoint, to
 * count all again. Until a first record is counted nobody knows which windows are closed. The hour stays
 * dirty: marks may be of records that the log has lost, and nobody would make them again.
 */
class PartitionNotCountedError extends Error {
  override readonly name = "PartitionNotCountedError";

  constructor(partition: number) {
    super(`Partition ${partition} is archived and not counted yet`);
  }
}

/** Events that are held in memory at once: some 500 bytes each. */
const SLICE_EVENTS_MAX = 200_000;

/**
 * Counts an hour again from the archive, as far as its windows are closed, and writes what it comes
 * to: minutes, users, evidence put right, and hours.
 *
 * Everything written is a function of the archived log before the bounds, under the keys that the
 * stream writes, too. So a crash between any two writes, a repetition, and a replay of the stream
 * afterwards leave nothing counted twice, and nothing that was counted uncounted.
 *
 * @returns how many events were read, and of how many it found other than the stream.
 * @throws {PartitionNotCountedError} Heal again, once it is counted.
 * @throws whatever a store throws. Heal again: what was written is written alike.
 */
export async function healHour(
  deps: HealDeps,
  { hourMs, bounds, causes }: DirtyHour,
  signal: AbortSignal,
): Promise<{ readonly events: number; readonly corrected: number }> {
  const quarters = await deps.quarterAdvertisers();
  const isBroken = causes.some((cause) => cause === "expired" || cause === "rebalance");
  let events = 0;
  let corrected = 0;
  for (const archived of await deps.archive.partitionsOf(hourMs)) {
    const bound = bounds.find(({ partition }) => partition === archived.partition);
    if (bound === undefined || bound.watermarkMs === null) {
      throw new PartitionNotCountedError(archived.partition);
    }
    const cells: CellTotals[] = [];
    for (const range of slicesOf(archived, closedPart(hourMs, bound))) {
      signal.throwIfAborted();
      const recount = await recountSlice(deps, archived, range, bound);
      const counted = isBroken ? await deps.hotHours.streamCells(bound.partition, range) : [];
      const whole = [...recount.cells, ...uncounted(counted, recount.cells)];
      corrected += await writeSlice(deps, bound, range, { ...recount, cells: whole }, signal);
      events += recount.events;
      cells.push(...recount.cells);
    }
    await deps.hotHours.writeSpans(bound.partition, toSpans(cells, quarters));
  }
  return { events, corrected };
}

/** The minutes of the hour that the stream has closed in this partition: they change no more. */
function closedPart(hourMs: number, { watermarkMs }: PartitionBound): InstantRange {
  const closedMs = Math.floor((watermarkMs ?? 0) / WINDOW_SIZE_MS) * WINDOW_SIZE_MS;
  return { fromMs: hourMs, toMs: Math.max(hourMs, Math.min(hourMs + HOUR_MS, closedMs)) };
}

/** Whole minutes each, so that no window is cut. */
function slicesOf({ rows }: ArchivedPartition, { fromMs, toMs }: InstantRange): InstantRange[] {
  const slices = Math.min(HOUR_MS / MINUTE_MS, Math.ceil(rows / SLICE_EVENTS_MAX));
  const sizeMs = Math.ceil(HOUR_MS / MINUTE_MS / slices) * MINUTE_MS;
  const ranges: InstantRange[] = [];
  for (let startMs = fromMs; startMs < toMs; startMs += sizeMs) {
    ranges.push({ fromMs: startMs, toMs: Math.min(toMs, startMs + sizeMs) });
  }
  return ranges;
}

async function recountSlice(
  { archive, campaigns, engine }: HealDeps,
  archived: ArchivedPartition,
  range: InstantRange,
  { partition, nextOffset }: PartitionBound,
): Promise<Recount> {
  const blocks = await archive.read(archived, range, nextOffset);
  const newestMs = blocks.reduce((max, { appendTimeMs }) => Math.max(max, appendTimeMs), 0);
  const snapshot = await campaigns.snapshotFor(newestMs);
  const recount = new PartitionRecount({ ...engine, partition });
  for (const block of blocks) recount.admit(block, snapshot);
  return recount.finish();
}

async function writeSlice(
  { hotStore, hotHours }: HealDeps,
  { partition, nextOffset }: PartitionBound,
  range: InstantRange,
  { cells, users, rejects }: Recount,
  signal: AbortSignal,
): Promise<number> {
  const said = await hotHours.rejects(partition, range, nextOffset);
  const corrections = correctionsOf(said, rejects);
  if (cells.length > 0) await hotStore.writeCells(partition, cells, signal);
  if (users.length > 0) await hotStore.writeUsers(users, signal);
  if (corrections.length > 0) await hotHours.writeCorrections(corrections);
  return corrections.length;
}
