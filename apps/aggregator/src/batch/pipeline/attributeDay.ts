import { hash } from "node:crypto";
import type { PinnedAttribution } from "../domain/attribution.ts";
import { canonicalJson } from "../domain/canonicalJson.ts";
import { type AttributionSummary, planCredits } from "../domain/credits.ts";
import { hashedInputs, type PinnedInputs, type PinnedObject } from "../domain/inputs.ts";
import { planSlices } from "../domain/slices.ts";
import type { BuildSummary } from "../domain/truth.ts";
import type { AttributionEngine, AttributionInputs, CountedDay } from "../ports/attribution.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import type { Build } from "../ports/truthEngine.ts";

export interface AttributeDayOptions {
  readonly attribution: AttributionInputs;
  readonly attributionEngine: AttributionEngine;
  /** Throws for an object that is missing or damaged. */
  readonly check: (objects: readonly PinnedObject[], signal: AbortSignal) => Promise<void>;
  /** Rows of which one query looks for clicks, unless a single hour has more. */
  readonly sliceRowsMax: number;
  /** Told of each earlier day and each slice that is done. */
  readonly onProgress: (done: number, total: number) => Promise<void>;
}

/** What was credited, and the inputs with what it was credited by. */
export interface AttributedDay {
  readonly inputs: PinnedInputs;
  readonly inputsHash: string;
  readonly summary: AttributionSummary;
}

const NO_OTHERS = { following: [], copies: [], preceding: [], precedingHours: 0 };
/** Conversions that are credited by one query, unless a single hour has more. */
const CONVERSIONS_MAX = 200_000;

/**
 * Credits the valid conversions of a judged day to the last valid clicks before them: those of its own
 * build, and those of the earlier days' published versions, which are pinned by the hash of what was
 * judged. Null for a day without conversions, which needs none of it.
 *
 * The clicks of each version are written once, in the order of what conversions name them by, and are
 * then found there by all days that look back to it.
 *
 * @throws {JobRefusedError} An earlier day's objects are damaged, or something does not add up.
 * @throws {JobLostError} Somebody else took the job up.
 */
export async function attributeDay(
  options: AttributeDayOptions,
  { jobId, inputs, takenOver }: Build,
  judged: BuildSummary,
  signal: AbortSignal,
): Promise<AttributedDay | null> {
  const conversions = judged.lines.reduce((sum, line) => sum + line.conversions, 0);
  if (conversions === 0) return null;
  const { attribution: store, attributionEngine: engine, sliceRowsMax, onProgress } = options;
  const { pinned, unindexed } = await store.read(inputs);
  const attribution: PinnedAttribution = { ...pinned, model: engine.model };
  const build = { jobId, inputs: { ...inputs, attribution }, takenOver };
  const inputsHash = hash("sha256", canonicalJson(hashedInputs(build.inputs)));
  await store.pin(jobId, build.inputs, inputsHash);

  // Clicks and conversions of hours that were taken over are read as well.
  await options.check(inputs.objects, signal);
  const hours = await engine.conversionHours(build);
  const withConversions = new Set(hours.map(({ hourMs }) => hourMs));
  const staging = planSlices(
    inputs,
    sliceRowsMax,
    inputs.objects.filter(({ eventHourMs }) => withConversions.has(eventHourMs)),
  );
  const own = planSlices(inputs, sliceRowsMax);
  const total = unindexed.length + staging.length + own.length;
  let done = 0;
  const advance = async () => {
    signal.throwIfAborted();
    done += 1;
    await onProgress(done, total);
  };
  for (const day of unindexed) {
    await indexDay(options, day, signal);
    await advance();
  }
  for (const slice of staging) {
    await engine.stageConversions(build, slice);
    await advance();
  }
  const staged = await engine.countStaged(build);
  assertEqual(staged, conversions, "valid conversions were counted, but read again");
  for (const slice of own) {
    await engine.findOwnClicks(build, slice);
    await advance();
  }
  for (const run of planCredits(hours, CONVERSIONS_MAX)) {
    signal.throwIfAborted();
    await engine.credit(build, attribution, run);
  }
  await engine.addCells(build);
  const summary = await engine.summarize(build);
  assertEqual(summary.conversions, conversions, "valid conversions were counted, but decided on");
  const inCells = summary.lines.reduce((sum, line) => sum + line.credited, 0);
  assertEqual(inCells, summary.credited, "conversions were credited, but are in the cube");
  return { inputs: build.inputs, inputsHash, summary };
}

/** Writes the valid clicks of an earlier day, which must be as many as its version says. */
async function indexDay(
  { attribution, attributionEngine, check, sliceRowsMax }: AttributeDayOptions,
  day: CountedDay,
  signal: AbortSignal,
): Promise<void> {
  const judged = await attribution.readJudged(day);
  await check(judged.objects, signal);
  let clicks = 0;
  const { objects } = judged;
  for (const slice of planSlices({ ...NO_OTHERS, objects }, sliceRowsMax)) {
    signal.throwIfAborted();
    clicks += await attributionEngine.indexClicks(judged, slice);
  }
  assertEqual(
    clicks,
    day.clicks,
    `valid clicks are billed on ${day.billingDay}, but in its objects`,
  );
  await attribution.noteIndexed(day);
}

function assertEqual(found: number, expected: number, what: string): void {
  if (found !== expected) throw new JobRefusedError(`${expected} ${what} ${found}`);
}
