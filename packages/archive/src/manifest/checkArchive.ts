import {
  type ArchiveProblem,
  auditLineage,
  auditLog,
  type LogRange,
  ManifestAudit,
} from "../domain/manifestAudit.ts";
import { parseObjectPath } from "../domain/objectPath.ts";
import type { ObjectStore } from "../objectStore.ts";
import type { ManifestReader, RecordedObject } from "./manifestReader.ts";

export interface ArchiveReport {
  readonly stretches: number;
  /** Of the objects that readers read. */
  readonly objects: number;
  readonly rows: bigint;
  readonly bytes: bigint;
  /** Objects that were compacted into others, and are kept. */
  readonly kept: number;
  /**
   * Stored objects that no manifest row names, at most `PROBLEMS_MAX`. An attempt to archive that
   * died leaves such; nobody reads them and nothing is wrong with the archive.
   */
  readonly orphans: readonly string[];
  /** At most `PROBLEMS_MAX`; empty when the archive is whole. */
  readonly problems: readonly ArchiveProblem[];
}

export interface CheckOptions {
  /** `hashes` reads every object; `sizes` only asks for their sizes. */
  readonly depth: "sizes" | "hashes";
  /** What the log held before the check began; without it, a partition that was never archived is not missed. */
  readonly log?: readonly LogRange[];
  /** Told after each object, in no particular order. */
  readonly onProgress?: (done: CheckProgress) => void;
  readonly signal?: AbortSignal;
}

export interface CheckProgress {
  readonly objects: number;
  readonly objectsInAll: number;
}

/** Past this many the archive needs more than a list. */
const PROBLEMS_MAX = 1_000;
/** Objects read at once; one has at most some hundred megabytes. */
const READS_MAX = 4;

/**
 * Proves that an archive is whole: ranges gapless and without overlap, rows adding up to the
 * events, compacted objects to those they came from, every object there with the bytes it was
 * stored with. May run while the archive grows: what comes meanwhile is left to the next check.
 *
 * @throws what the stores throw, and the signal's reason once it aborts.
 */
export async function checkArchive(
  manifest: ManifestReader,
  objects: ObjectStore,
  options: CheckOptions,
): Promise<ArchiveReport> {
  const check = new Check(manifest, objects, options);
  // In this order: an object is stored before it is named, so one that is stored now and is not
  // named later is no object that was on its way.
  const stored = await check.listStored();
  const stretches = await check.stretches();
  const counts = await check.objects(stored);
  return { stretches, ...counts, orphans: await check.orphans(stored), problems: check.problems };
}

class Check {
  readonly problems: ArchiveProblem[] = [];
  readonly #manifest: ManifestReader;
  readonly #store: ObjectStore;
  readonly #options: CheckOptions;

  constructor(manifest: ManifestReader, store: ObjectStore, options: CheckOptions) {
    this.#manifest = manifest;
    this.#store = store;
    this.#options = options;
  }

  async listStored(): Promise<Set<string>> {
    const paths = new Set<string>();
    for await (const path of this.#store.list("raw/")) paths.add(path);
    return paths;
  }

  async stretches(): Promise<number> {
    // Checkpoints first: what is archived while this runs then comes after them, never before.
    const checkpoints = await this.#manifest.checkpoints();
    const ends = new Map(checkpoints.map(({ partition, nextOffset }) => [partition, nextOffset]));
    const audit = new ManifestAudit(
      new Map(
        checkpoints.flatMap(({ partition, startOffset }) =>
          startOffset === null ? [] : [[partition, startOffset]],
        ),
      ),
    );
    let stretches = 0;
    for await (const stretch of this.#manifest.stretches()) {
      const end = ends.get(stretch.partition);
      if (end !== undefined && stretch.firstOffset >= end) continue;
      this.#note(audit.add(stretch));
      stretches += 1;
    }
    this.#note(auditLog(this.#options.log ?? [], checkpoints));
    for (const { partition, nextOffset } of checkpoints) {
      this.#note(audit.finish(partition, nextOffset));
    }
    return stretches;
  }

  /** Takes those that are named out of `stored`. */
  async objects(stored: Set<string>) {
    const counts: Counts = { objects: 0, rows: 0n, bytes: 0n, kept: 0 };
    const { objects: objectsInAll } = await this.#manifest.size();
    const { onProgress, signal } = this.#options;
    let done = 0;
    let group: RecordedObject[] = [];
    const reads = new Set<Promise<void>>();
    const endGroup = () => {
      this.#note(auditLineage(group));
      group = [];
    };
    try {
      for await (const object of this.#manifest.objects()) {
        signal?.throwIfAborted();
        const [first] = group;
        if (first !== undefined && !isSameHour(first, object)) endGroup();
        group.push(object);
        stored.delete(object.path);
        addTo(counts, object);
        const read = this.#object(object).finally(() => {
          reads.delete(read);
          done += 1;
          onProgress?.({ objects: done, objectsInAll: Math.max(done, objectsInAll) });
        });
        reads.add(read);
        // Whoever waits for it next hears of its failure; until then nobody may.
        read.catch(() => {});
        if (reads.size >= READS_MAX) await Promise.race(reads);
      }
      endGroup();
      await Promise.all(reads);
    } finally {
      await Promise.allSettled(reads);
    }
    return counts;
  }

  /** Those whose offsets the checkpoint has passed can never be named any more. */
  async orphans(stored: ReadonlySet<string>): Promise<string[]> {
    const checkpoints = await this.#manifest.checkpoints();
    const ends = new Map(checkpoints.map(({ partition, nextOffset }) => [partition, nextOffset]));
    return [...stored]
      .filter((path) => {
        const name = parseObjectPath(path);
        return name === null || name.lastOffset < (ends.get(name.partition) ?? 0n);
      })
      .slice(0, PROBLEMS_MAX);
  }

  async #object(object: RecordedObject): Promise<void> {
    const { path, partition, hasStretch, isRemoved } = object;
    if (!hasStretch) {
      const detail = `${path} has no stretch`;
      this.#note([{ kind: "object_without_stretch", partition, detail }]);
    }
    if (isRemoved) return;
    this.#note(await this.#bytes(object));
  }

  async #bytes({ path, partition, bytes, sha256 }: RecordedObject): Promise<ArchiveProblem[]> {
    const missing = { kind: "object_missing", partition, detail: `${path} is missing` } as const;
    const stat = await this.#store.stat(path);
    if (stat === null) return [missing];
    if (stat.bytes !== bytes) {
      const detail = `${path} has ${stat.bytes} bytes, the manifest says ${bytes}`;
      return [{ kind: "object_damaged", partition, detail }];
    }
    if (this.#options.depth === "sizes") return [];
    const found = await this.#store.sha256(path);
    if (found === null) return [missing];
    if (found === sha256) return [];
    const detail = `${path} has sha256 ${found}, the manifest says ${sha256}`;
    return [{ kind: "object_damaged", partition, detail }];
  }

  #note(found: readonly ArchiveProblem[]): void {
    this.problems.push(...found.slice(0, PROBLEMS_MAX - this.problems.length));
  }
}

type Counts = { -readonly [Key in "objects" | "rows" | "bytes" | "kept"]: ArchiveReport[Key] };

function addTo(counts: Counts, { compactedInto, isRemoved, rows, bytes }: RecordedObject): void {
  if (compactedInto === null) {
    counts.objects += 1;
    counts.rows += BigInt(rows);
    counts.bytes += BigInt(bytes);
  } else if (!isRemoved) {
    counts.kept += 1;
  }
}

function isSameHour(a: RecordedObject, b: RecordedObject): boolean {
  return a.eventHourMs === b.eventHourMs && a.partition === b.partition;
}
