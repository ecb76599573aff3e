import type { InstantRange } from "@trueclick/shared/calendar";
import type { ArchivedBlock } from "../domain/recount.ts";

/** The archived objects of one hour and partition. */
export interface ArchivedPartition {
  readonly partition: number;
  readonly rows: number;
  readonly paths: readonly string[];
}

/** What the archive holds of an hour. */
export interface ArchivedHours {
  /**
   * Its objects, after a check that each holds the rows that the manifest says.
   *
   * @throws {ObjectRowsDifferError} One is missing or damaged. Nothing may be counted from it.
   */
  partitionsOf(hourMs: number): Promise<readonly ArchivedPartition[]>;
  /** Readable events with event times in `range` from records before `nextOffset`, in log order. */
  read(
    archived: ArchivedPartition,
    range: InstantRange,
    nextOffset: bigint,
  ): Promise<readonly ArchivedBlock[]>;
}

export class ObjectRowsDifferError extends Error {
  override readonly name = "ObjectRowsDifferError";
}
