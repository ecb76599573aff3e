import type { InstantRange } from "@trueclick/shared/calendar";
import type { FollowedHour } from "../domain/followed.ts";
import type { PinnedCampaign, PinnedInputs } from "../domain/inputs.ts";
import type { Slice } from "../domain/slices.ts";
import type { TakenOver } from "../domain/takenOver.ts";
import type { BuildSummary } from "../domain/truth.ts";

/** The rows that belong to one job's attempt. */
export interface Build {
  readonly jobId: bigint;
  readonly inputs: PinnedInputs;
  /** Hours of earlier builds that stand for its own, which has no rows of them. */
  readonly takenOver: readonly TakenOver[];
}

export interface CountedRows {
  readonly rows: number;
  /** By event hour, as its start in epoch milliseconds. */
  readonly eventsByHour: ReadonlyMap<number, number>;
}

/** Judges, prices and adds up inside the ClickHouse engine; rows of events never leave it. */
export interface TruthEngine {
  /**
   * Paths of objects with copies of ids of these campaigns that have more than one event hour, at
   * least one of them touched by `bounds`. More than may be missing, never fewer than archived.
   *
   * @throws {JobRefusedError} if there are too many to judge.
   */
  findCopies(campaigns: readonly PinnedCampaign[], bounds: InstantRange): Promise<string[]>;
  /** Whether what came since may change a row of an hour; yes where it cannot be told. */
  isFollowed(inputs: PinnedInputs, hour: FollowedHour): Promise<boolean>;
  /** Counts, without judging: rows of the objects, and events of the advertiser's day in them. */
  count(build: Build, slice: Slice): Promise<CountedRows>;
  /**
   * Writes the suspects of a slice and the keys of all its events, which it is judged by. No reader sees
   * any of it, so it may be begun before all inputs are known. Not idempotent.
   *
   * @param threads Of each of its queries.
   */
  prepare(build: Build, slice: Slice, threads: number): Promise<void>;
  /**
   * Writes the cube and the evidence of a slice that was prepared. Not idempotent: when it fails, the
   * outcome is unknown and the build must never be published.
   *
   * @param threads Of each of its queries.
   */
  judge(build: Build, slice: Slice, threads: number): Promise<void>;
  /** Drops what preparing a slice has written, once it is judged or to prepare it again. */
  discard(build: Build, slice: Slice): Promise<void>;
  /**
   * Frees memory that slices still hold which were prepared and not discarded, once nothing of the build is at
   * work any more, whatever came of it. Never throws.
   */
  release(jobId: bigint): Promise<void>;
  /**
   * Reads back the own rows of some hours, which must all be written, and writes what they add up to.
   * Not idempotent.
   */
  addUp(build: Build, hoursMs: readonly number[], threads: number): Promise<void>;
  /** Distinct users by campaign, once all of the build's cube is written; its hours need not be added up. */
  countUsers(build: Build): Promise<ReadonlyMap<string, number>>;
  /**
   * What the build holds, of the hours that were added up.
   *
   * @param users Of `countUsers`.
   */
  summarize(build: Build, users: ReadonlyMap<string, number>): Promise<BuildSummary>;
}
