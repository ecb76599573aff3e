import { hash } from "node:crypto";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { JobStep } from "@trueclick/db/postgres/schema/truth";
import { canonicalJson } from "../domain/canonicalJson.ts";
import { withCredits } from "../domain/credits.ts";
import { hashedInputs } from "../domain/inputs.ts";
import { takenOverOf } from "../domain/takenOver.ts";
import { canonicalContent, totalCostMicros } from "../domain/truth.ts";
import type { AttributionEngine, AttributionInputs } from "../ports/attribution.ts";
import type { CopySearch } from "../ports/copySearch.ts";
import type { InputsStore } from "../ports/inputsStore.ts";
import type { Job, JobProgress } from "../ports/jobQueue.ts";
import type { SliceRecords } from "../ports/sliceRecords.ts";
import type { TruthEngine } from "../ports/truthEngine.ts";
import type { TruthRegister } from "../ports/truthRegister.ts";
import { attributeDay } from "./attributeDay.ts";
import { contentHashOf } from "./contentHash.ts";
import { judgeDay, planDay } from "./judgeDay.ts";
import { type CheckObjects, checkingOnce } from "./objectChecks.ts";
import { pinDay } from "./pinDay.ts";
import { type PreparedSlices, preparingOnce } from "./preparedSlices.ts";

export interface JobStores {
  readonly inputs: InputsStore;
  readonly objects: ObjectStore;
  readonly copySearch: CopySearch;
  readonly engine: TruthEngine;
  readonly attribution: AttributionInputs;
  readonly attributionEngine: AttributionEngine;
  readonly register: TruthRegister;
  readonly slices: SliceRecords;
  /** Says how far a job is. @throws {JobLostError} The job is not this runner's any more. */
  readonly report: (jobId: bigint, progress: JobProgress) => Promise<void>;
  /** Names the code that judges; another one may judge otherwise. */
  readonly codeVersion: string;
  /** Rows that one query judges, unless a single hour has more. */
  readonly sliceRowsMax: number;
  /** Slices of one job that are judged side by side. */
  readonly slicesAtOnce: number;
  readonly nowMs: () => number;
}

/**
 * Recounts one truth partition:
 *
 * 1. Pin the inputs and write them down. After a crash here the job has inputs and no result. Slices that
 *    will be judged whatever is found are prepared meanwhile, under the job's id, where nobody reads it.
 * 2. Find what earlier builds hold of it. Objects of slices that are taken over were checked against
 *    their hashes when they were judged, and are not read.
 * 3. Judge slice by slice into rows under the job's own id, while the objects that are read are checked
 *    against their hashes: nothing is noted of a slice, let alone published, before its objects have
 *    been found whole. Of slices whose inputs are the same, rows of earlier builds are shared or
 *    copied. After a crash here there are rows of a build that no version names; the next attempt
 *    takes over the slices that were done.
 * 4. Count again and compare: what does not add up is not published.
 * 5. Credit conversions, if there are any, to clicks of the day and of published days before it.
 * 6. Publish in one transaction, or find that the current version says the same.
 *
 * @throws {JobRefusedError} The inputs are damaged or the result does not add up.
 * @throws {JobLostError} Somebody else took the job up.
 * @throws whatever a store throws. The outcome is unknown; this build must not be used again.
 */
export async function runJob(
  stores: JobStores,
  job: Job,
  signal: AbortSignal,
): Promise<"published" | "verified"> {
  const check = checkingOnce(stores.objects);
  const prepared = preparingOnce(stores.engine);
  try {
    return await countDay({ ...stores, check, prepared }, job, signal);
  } finally {
    // Nothing of this build is at work any more once somebody hears of its end.
    await prepared.ended();
    await stores.engine.release(job.id);
  }
}

async function countDay(
  stores: JobStores & { readonly check: CheckObjects; readonly prepared: PreparedSlices },
  job: Job,
  signal: AbortSignal,
): Promise<"published" | "verified"> {
  const timings = new Timings(stores.nowMs);
  const at = (step: JobStep, slicesDone = 0, slicesTotal = 0) =>
    stores.report(job.id, { step, slicesDone, slicesTotal });
  await at("pin");
  const { inputs, known, read } = await timings.measure("pin", () => pinDay(stores, job, signal));
  const inputsHash = sha256(canonicalJson(hashedInputs(inputs)));
  await stores.inputs.pin(job.id, inputs, inputsHash);
  signal.throwIfAborted();

  const plan = planDay(inputs, known, stores.sliceRowsMax);
  const takenOver = takenOverOf(plan.shared);
  const build = { jobId: job.id, inputs, takenOver };
  let sliceCount = 0;
  const onProgress = (done: number, total: number) => {
    sliceCount = total;
    return at("judge", done, total);
  };
  const summary = await timings.measure("judge", () =>
    judgeDay({ ...stores, plan, read, onProgress }, build, signal),
  );
  signal.throwIfAborted();

  const attributed = await timings.measure("attribute", () =>
    attributeDay(
      { ...stores, onProgress: (done, total) => at("attribute", done, total) },
      build,
      summary,
      signal,
    ),
  );
  signal.throwIfAborted();

  await at("publish", sliceCount, sliceCount);
  const judgedHash = sha256(canonicalContent(inputs, summary));
  const credits = attributed?.summary ?? null;
  const version = {
    currency: inputs.currency,
    inputsHash: attributed?.inputsHash ?? inputsHash,
    judgedHash,
    contentHash: contentHashOf(judgedHash, credits),
    lines: withCredits(summary.lines, credits),
    clicksByVerdict: summary.clicksByVerdict,
    costMicros: totalCostMicros(summary.lines),
    takenOver,
  };
  return stores.register.settle(job, version, timings.byStep);
}

function sha256(text: string): string {
  return hash("sha256", text);
}

/** How long each step took, in whole milliseconds. */
class Timings {
  readonly byStep: Record<string, number> = {};
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async measure<T>(step: string, act: () => Promise<T>): Promise<T> {
    const startedMs = this.#nowMs();
    const result = await act();
    this.byStep[step] = Math.round(this.#nowMs() - startedMs);
    return result;
  }
}
