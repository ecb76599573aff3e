import type { HourObject } from "@trueclick/archive/domain/manifestObject";

/** The manifest as compaction changes it. */
export interface CompactionManifest {
  /**
   * Event hours, epoch milliseconds and ascending, in which some partition has at least so many
   * objects that are read, and that start before an instant.
   */
  hoursWithMany(objectsMin: number, beforeMs: number): Promise<readonly number[]>;
  /** The objects of an hour that are read; by partition and offset. */
  liveObjects(eventHourMs: number): Promise<readonly HourObject[]>;
  /**
   * Adds the merged object and marks the others as compacted into it, all or nothing. False when one
   * of them already is, or the merged object is there: nothing was changed.
   */
  replace(sources: readonly HourObject[], merged: HourObject): Promise<boolean>;
  /**
   * Notes as removed the objects that were compacted longer ago than the retention, and answers
   * their paths, at most `pathsMax`. Their bytes may then go.
   */
  markRemovable(retentionMs: number, pathsMax: number): Promise<readonly string[]>;
}
