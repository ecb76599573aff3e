import type { ObjectIdentity } from "../domain/inputs.ts";
import type { JudgedSlice } from "../domain/sliceReuse.ts";
import type { Job } from "./jobQueue.ts";
import type { Build } from "./truthEngine.ts";

export interface KnownSlices {
  readonly slices: readonly JudgedSlice[];
  /** Objects that the last good count had pinned; its slices alone have an `aloneHash`. */
  readonly seen: readonly (ObjectIdentity & { readonly eventHourMs: number })[];
}

export type NotedSlice = Omit<JudgedSlice, "isPublished">;

/** Which slices were judged by which inputs, and the rows of them. */
export interface SliceRecords {
  /**
   * Slices of the partition's last good count, and of earlier attempts at this job. Their rows stay
   * where they are for as long as a job may run.
   */
  find(job: Job): Promise<KnownSlices>;
  /** Copies rows of other builds into this one. Not idempotent, like `TruthEngine.judge`. */
  copy(build: Build, slices: readonly JudgedSlice[]): Promise<void>;
  /** Notes slices whose rows this build now holds; only after their writing was confirmed. */
  record(jobId: bigint, slices: readonly NotedSlice[]): Promise<void>;
}
