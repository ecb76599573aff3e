import type { TruthVersion } from "../domain/truth.ts";
import type { Job } from "./jobQueue.ts";

/** The versions of truth partitions and the pointers that readers follow. */
export interface TruthRegister {
  /**
   * Ends a job with its result, all or nothing: as `verified` if the current version has the same
   * content, else as a new version that readers see from then on. An error other than
   * `JobLostError` leaves the outcome unknown.
   *
   * @throws {JobLostError} Somebody else took the job up; nothing was changed.
   */
  settle(
    job: Job,
    version: TruthVersion,
    timings: Readonly<Record<string, number>>,
  ): Promise<"published" | "verified">;
}
