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
    | "object_differs"
    | "object_without_stretch";
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
