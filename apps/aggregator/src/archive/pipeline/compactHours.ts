import { hash } from "node:crypto";
import type { HourObject } from "@trueclick/archive/domain/manifestObject";
import type { ObjectMerger } from "@trueclick/archive/objectEncoder";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import { type CompactionLimits, planCompactions } from "../domain/compaction.ts";
import type { CompactionManifest } from "../ports/compactionManifest.ts";
import type { EventIndex } from "../ports/eventIndex.ts";
import { putObject } from "./putObject.ts";

export interface Compaction {
  readonly merger: ObjectMerger;
  readonly objects: ObjectStore;
  readonly index: EventIndex;
  readonly manifest: CompactionManifest;
  readonly limits: CompactionLimits;
  /** How long the bytes of a compacted object are kept, milliseconds. */
  readonly retentionMs: number;
  readonly onCompacted: (sources: readonly HourObject[], path: string) => void;
}

/** An object to be merged is missing or is not as the manifest says. */
export class SourceDamagedError extends Error {
  override readonly name = "SourceDamagedError";
}

/** Removals in one pass. */
const REMOVALS_MAX = 1_000;

/**
 * Merges the small objects of hours that are over, run by run, each in the order in which a crash
 * does no harm:
 *
 * 1. The merged object. After a crash here it is an orphan; the next pass makes the same bytes.
 * 2. Rows of the event index, by the same keys as before.
 * 3. The manifest: the merged object in, the others marked, in one transaction. Readers see either.
 *
 * The others stay for as long as `retentionMs`: versions of truth and running jobs have pinned them.
 *
 * @param beforeMs Only event hours that start before it, epoch milliseconds.
 * @throws {SourceDamagedError} Nothing was changed for that run.
 * @throws whatever a store throws; calling again goes on.
 */
export async function compactHours(
  compaction: Compaction,
  beforeMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { manifest, limits } = compaction;
  for (const hour of await manifest.hoursWithMany(limits.objectsMin, beforeMs)) {
    for (const run of planCompactions(await manifest.liveObjects(hour), limits)) {
      if (signal.aborted) return;
      await compactRun(compaction, run);
    }
  }
  for (const path of await manifest.markRemovable(compaction.retentionMs, REMOVALS_MAX)) {
    await compaction.objects.remove(path);
  }
}

async function compactRun(compaction: Compaction, sources: readonly HourObject[]): Promise<void> {
  const [first, last] = [sources.at(0), sources.at(-1)];
  if (first === undefined || last === undefined) return;
  const { objects, merger, index, manifest } = compaction;
  const contents: Uint8Array[] = [];
  for (const source of sources) contents.push(await readSource(objects, source));
  const { bytes, rows } = await merger.merge(first.firstOffset, contents);
  const expected = sources.reduce((sum, source) => sum + source.rows, 0);
  if (rows !== expected) {
    throw new SourceDamagedError(`${rows} rows of objects that have ${expected}`);
  }
  const name = {
    eventHourMs: first.eventHourMs,
    partition: first.partition,
    firstOffset: first.firstOffset,
    lastOffset: last.lastOffset,
  };
  const sha256 = hash("sha256", bytes);
  const path = await putObject(objects, name, bytes, sha256);
  await index.add([path]);
  const merged = { ...name, path, rows, bytes: bytes.length, sha256 };
  // Another process may have been faster; what it did is as good.
  if (await manifest.replace(sources, merged)) compaction.onCompacted(sources, path);
}

async function readSource(objects: ObjectStore, source: HourObject): Promise<Uint8Array> {
  const bytes = await objects.get(source.path);
  if (bytes === null) throw new SourceDamagedError(`archive object ${source.path} is missing`);
  if (hash("sha256", bytes) === source.sha256) return bytes;
  throw new SourceDamagedError(`archive object ${source.path} is damaged`);
}
