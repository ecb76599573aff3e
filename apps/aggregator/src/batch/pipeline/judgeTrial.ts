import type { PinnedInputs } from "../domain/inputs.ts";
import type { BuildSummary } from "../domain/truth.ts";
import type { TrialBuilds } from "../ports/trialBuilds.ts";
import type { Build } from "../ports/truthEngine.ts";
import { judgeDay, planDay } from "./judgeDay.ts";
import type { CheckObjects } from "./objectChecks.ts";
import { preparingOnce } from "./preparedSlices.ts";
import type { JobStores } from "./runJob.ts";

export interface TrialStores extends Pick<JobStores, "engine" | "sliceRowsMax" | "slicesAtOnce"> {
  readonly builds: TrialBuilds;
}

/**
 * Judges every event of a day and tells what it comes to. Takes over nothing, notes nothing and publishes
 * nothing: its rows lie under a build that no version names, and are removed.
 *
 * @param check Asked of all objects that are read.
 * @throws {JobRefusedError} What the engine read or wrote does not add up.
 * @throws what `check` and the stores throw.
 */
export function judgeTrial(
  stores: TrialStores,
  inputs: PinnedInputs,
  check: CheckObjects,
  signal: AbortSignal,
): Promise<BuildSummary> {
  return withTrial(stores, inputs, check, signal, async (_, summary) => summary);
}

/**
 * The same, and does something with the build before its rows are removed.
 *
 * @throws what `act` throws.
 */
export async function withTrial<T>(
  stores: TrialStores,
  inputs: PinnedInputs,
  check: CheckObjects,
  signal: AbortSignal,
  act: (build: Build, summary: BuildSummary) => Promise<T>,
): Promise<T> {
  const { engine, builds, sliceRowsMax } = stores;
  const { advertiserId, billingDay } = inputs;
  const jobId = await builds.newBuild(advertiserId, billingDay);
  const build = { jobId, inputs, takenOver: [] };
  const options = {
    ...stores,
    slices: { copy: async () => {}, record: async () => {} },
    check,
    prepared: preparingOnce(engine),
    plan: planDay(inputs, [], sliceRowsMax),
    read: [],
    onProgress: async () => {},
  };
  try {
    return await act(build, await judgeDay(options, build, signal));
  } finally {
    await engine.release(jobId);
    await builds.discard(advertiserId, billingDay, jobId);
  }
}
