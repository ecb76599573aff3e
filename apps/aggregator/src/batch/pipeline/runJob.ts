import { hash } from "node:crypto";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { JobStep } from "@trueclick/db/postgres/schema/truth";
import { HOUR_MS } from "@trueclick/shared/time";
import { canonicalJson } from "../domain/canonicalJson.ts";
import { attributionContent, withCredits } from "../domain/credits.ts";
import { hashedInputs, type PinnedInputs, type PinnedObject } from "../domain/inputs.ts";
import { takenOverOf } from "../domain/takenOver.ts";
import { canonicalContent, totalCostMicros } from "../domain/truth.ts";
import type { AttributionEngine, AttributionInputs } from "../ports/attribution.ts";
import type { CopySearch } from "../ports/copySearch.ts";
import type { InputsStore } from "../ports/inputsStore.ts";
import { type Job, type JobProgress, JobRefusedError } from "../ports/jobQueue.ts";
import type { SliceRecords } from "../ports/sliceRecords.ts";
import type { TruthEngine } from "../ports/truthEngine.ts";
import type { TruthRegister } from "../ports/truthRegister.ts";
import { attributeDay } from "./attributeDay.ts";
import { judgeDay, planDay } from "./judgeDay.ts";
import { recheckFollowed } from "./recheckFollowed.ts";

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

/** Objects read at once to check their hashes; one has at most tens of megabytes. */
const CHECKS_MAX = 4;

/**
 * Recounts one truth partition:
 *
 * 1. Pin the inputs and write them down. After a crash here the job has inputs and no result.
 * 2. Find what earlier builds hold of it. Every object that is read, here or later, is checked against its
 *    hash first: nothing is judged on damaged bytes. Those of slices that are taken over were
 *    checked when they were judged, and are not read.
 * 3. Judge slice by slice into rows under the job's own id. Of slices whose inputs are the same, rows
 *    of earlier builds are shared or copied. After a crash here there are rows of a build that no
 *    version names; the next attempt takes over the slices that were done.
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
  const timings = new Timings(stores.nowMs);
  const at = (step: JobStep, slicesDone = 0, slicesTotal = 0) =>
    stores.report(job.id, { step, slicesDone, slicesTotal });
  await at("pin");
  const inputs = await timings.measure("pin", () => pinInputs(stores, job));
  const inputsHash = sha256(canonicalJson(hashedInputs(inputs)));
  await stores.inputs.pin(job.id, inputs, inputsHash);
  signal.throwIfAborted();

  await at("check_objects");
  const check = checkingOnce(stores.objects);
  const known = job.full
    ? []
    : await timings.measure("check_objects", async () =>
        recheckFollowed({ ...stores, check }, inputs, await stores.slices.find(job), signal),
      );
  const plan = planDay(inputs, known, stores.sliceRowsMax);
  const takenOver = takenOverOf(plan.shared);
  const build = { jobId: job.id, inputs, takenOver };
  let sliceCount = 0;
  const onProgress = (done: number, total: number) => {
    sliceCount = total;
    return at("judge", done, total);
  };
  const summary = await timings.measure("judge", () =>
    judgeDay({ ...stores, plan, check, onProgress }, build, signal),
  );
  signal.throwIfAborted();

  const attributed = await timings.measure("attribute", () =>
    attributeDay(
      {
        ...stores,
        check,
        onProgress: (done, total) => at("attribute", done, total),
      },
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
    // A day without conversions says no more than what was judged.
    contentHash:
      credits === null
        ? judgedHash
        : sha256(canonicalJson({ judged: judgedHash, attribution: attributionContent(credits) })),
    lines: withCredits(summary.lines, credits),
    clicksByVerdict: summary.clicksByVerdict,
    costMicros: totalCostMicros(summary.lines),
    takenOver,
  };
  return stores.register.settle(job, version, timings.byStep);
}

async function pinInputs(stores: JobStores, job: Job): Promise<PinnedInputs> {
  const { knownCopies, ...base } = await stores.inputs.read(job);
  // An hour more: the clicks that may follow one of the day are told from their copies as well.
  const lookedAt = { fromMs: base.bounds.fromMs, toMs: base.bounds.toMs + HOUR_MS };
  // After the reading: every object that was read has been looked up.
  await stores.copySearch.search();
  const found = await stores.engine.findCopies(base.campaigns, lookedAt);
  const copies = await stores.inputs.resolve([...knownCopies, ...found]);
  return { ...base, copies, codeVersion: stores.codeVersion };
}

/** Checks objects against their hashes, each once, whoever asks at the same time. */
function checkingOnce(objects: ObjectStore) {
  const checks = new Map<string, Promise<void>>();
  const check = (pin: PinnedObject): Promise<void> => {
    const known = checks.get(pin.path) ?? checkObject(objects, pin);
    checks.set(pin.path, known);
    return known;
  };
  return async (pinned: readonly PinnedObject[], signal: AbortSignal): Promise<void> => {
    for (let start = 0; start < pinned.length; start += CHECKS_MAX) {
      signal.throwIfAborted();
      await Promise.all(pinned.slice(start, start + CHECKS_MAX).map(check));
    }
  };
}

async function checkObject(objects: ObjectStore, pin: PinnedObject): Promise<void> {
  const bytes = await objects.get(pin.path);
  if (bytes === null) throw new JobRefusedError(`archive object ${pin.path} is missing`);
  const found = hash("sha256", bytes);
  if (found === pin.sha256) return;
  throw new JobRefusedError(
    `archive object ${pin.path} is damaged: its sha256 is ${found}, the manifest says ${pin.sha256}`,
  );
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
