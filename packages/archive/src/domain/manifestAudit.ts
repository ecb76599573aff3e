/** A stretch as the manifest tells of it, with the sum over its objects. */
export interface AuditedStretch {
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly events: bigint;
  /** Rows of its objects; 0 when there are none. */
  readonly rows: bigint;
}

/** Something in the archive that must not be. */
export interface ArchiveProblem {
  readonly kind:
    | "gap"
    | "overlap"
    | "rows_differ"
    | "checkpoint_differs"
    | "object_missing"
    | "object_damaged"
    | "object_without_stretch"
    | "lineage_broken"
    | "not_archived";
  readonly partition: number;
  /** What was found, for the operator: with offsets, counts or the object's path. */
  readonly detail: string;
}

/**
 * Proves that the stretches of a topic are gapless, do not overlap, and hold the rows they should.
 * Takes the stretches of a partition in order of their first offsets; holds one per partition.
 */
export class ManifestAudit {
  readonly #nextOffsets = new Map<number, bigint>();

  /** @param starts By partition, the offset at which its archive begins, where that is known. */
  constructor(starts: ReadonlyMap<number, bigint> = new Map()) {
    for (const [partition, offset] of starts) this.#nextOffsets.set(partition, offset);
  }

  /** Takes in the next stretch of a partition. */
  add(stretch: AuditedStretch): ArchiveProblem[] {
    const { partition, firstOffset, lastOffset, events, rows } = stretch;
    const expected = this.#nextOffsets.get(partition) ?? firstOffset;
    const seen = lastOffset >= expected ? lastOffset + 1n : expected;
    this.#nextOffsets.set(partition, seen);

    const range = `${firstOffset}-${lastOffset}`;
    const problems: ArchiveProblem[] = [];
    if (firstOffset > expected) {
      const detail = `offsets ${expected}-${firstOffset - 1n} before ${range} are not archived`;
      problems.push({ kind: "gap", partition, detail });
    }
    if (firstOffset < expected) {
      const detail = `${range} begins before ${expected}, where the one before ended`;
      problems.push({ kind: "overlap", partition, detail });
    }
    if (events !== rows) {
      const detail = `${range} has ${events} events but its objects have ${rows} rows`;
      problems.push({ kind: "rows_differ", partition, detail });
    }
    return problems;
  }

  /** Compares a partition's checkpoint with the end of its last stretch, once all were added. */
  finish(partition: number, nextOffset: bigint): ArchiveProblem[] {
    const end = this.#nextOffsets.get(partition);
    if (end === undefined || end === nextOffset) return [];
    const detail = `the checkpoint is at ${nextOffset}, the last stretch ends before ${end}`;
    return [{ kind: "checkpoint_differs", partition, detail }];
  }
}

/** What the log holds of a partition. */
export interface LogRange {
  readonly partition: number;
  /** Of the oldest record that it still has; the same as `endOffset` where it has none. */
  readonly startOffset: bigint;
  /** That the next record gets. */
  readonly endOffset: bigint;
}

/**
 * Names records that the manifest alone cannot miss: of partitions that nobody has ever archived, and
 * those that the log gave up before they were. What was appended and awaits its turn is no defect.
 *
 * @param ranges Read before the checkpoints, which may only have moved on since.
 */
export function auditLog(
  ranges: readonly LogRange[],
  checkpoints: readonly { readonly partition: number; readonly nextOffset: bigint }[],
): ArchiveProblem[] {
  const ends = new Map(checkpoints.map(({ partition, nextOffset }) => [partition, nextOffset]));
  return ranges.flatMap(({ partition, startOffset, endOffset }): ArchiveProblem[] => {
    const archivedTo = ends.get(partition);
    if (endOffset === 0n) return [];
    if (archivedTo === undefined) {
      const detail = `the log had offsets 0-${endOffset - 1n}, and nobody has ever archived it`;
      return [{ kind: "not_archived", partition, detail }];
    }
    if (startOffset <= archivedTo) return [];
    const detail = `offsets ${archivedTo}-${startOffset - 1n} are not archived, and the log has them no more`;
    return [{ kind: "not_archived", partition, detail }];
  });
}

/** An object as the lineage of its hour and partition is proven from it. */
export interface LineageObject {
  readonly path: string;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly rows: number;
  /** 0 of one from the log. */
  readonly mergedObjects: number;
  readonly compactedInto: string | null;
}

/**
 * Proves of one event hour of one partition that the objects which readers read hold exactly the
 * rows of those from the log: each of these lies in exactly one of those, and the rows add up.
 *
 * @param objects All of the hour and partition that the manifest names.
 */
export function auditLineage(objects: readonly LineageObject[]): ArchiveProblem[] {
  const live = objects
    .filter(({ compactedInto }) => compactedInto === null)
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const fromLog = objects.filter(({ mergedObjects }) => mergedObjects === 0);
  const problems: ArchiveProblem[] = [];

  let before: LineageObject | undefined;
  for (const object of live) {
    if (before !== undefined && object.firstOffset <= before.lastOffset) {
      const detail = `${object.path} and ${before.path} both hold offset ${object.firstOffset}`;
      problems.push({ kind: "overlap", partition: object.partition, detail });
    }
    before = object;
    const sources = fromLog.filter((source) => isWithin(source, object));
    const rows = sources.reduce((sum, source) => sum + source.rows, 0);
    const isMerged = object.mergedObjects > 0;
    if (isMerged && (rows !== object.rows || sources.length !== object.mergedObjects)) {
      const detail =
        `${object.path} has ${object.rows} rows of ${object.mergedObjects} objects, ` +
        `the log gave ${rows} of ${sources.length}`;
      problems.push({ kind: "lineage_broken", partition: object.partition, detail });
    }
  }
  for (const source of fromLog) {
    if (live.some((object) => isWithin(source, object))) continue;
    const detail = `${source.path} is compacted into ${source.compactedInto}, which is not there`;
    problems.push({ kind: "lineage_broken", partition: source.partition, detail });
  }
  return problems;
}

function isWithin(
  inner: Pick<LineageObject, "firstOffset" | "lastOffset">,
  outer: Pick<LineageObject, "firstOffset" | "lastOffset">,
): boolean {
  return inner.firstOffset >= outer.firstOffset && inner.lastOffset <= outer.lastOffset;
}
