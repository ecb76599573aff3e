import { isDeepStrictEqual } from "node:util";
import { HOUR_MS } from "@trueclick/shared/time";
import { followedHours } from "../domain/followed.ts";
import type { PinnedInputs, PinnedObject } from "../domain/inputs.ts";
import type { CopySearch } from "../ports/copySearch.ts";
import type { BaseInputs, InputsStore } from "../ports/inputsStore.ts";
import type { Job } from "../ports/jobQueue.ts";
import type { KnownSlices, SliceRecords } from "../ports/sliceRecords.ts";
import type { TruthEngine } from "../ports/truthEngine.ts";
import { allEnded } from "./allEnded.ts";
import { planDay } from "./judgeDay.ts";
import type { CheckObjects } from "./objectChecks.ts";
import type { PreparedSlices } from "./preparedSlices.ts";
import { inputsHashOf, type Rechecked, recheckFollowed, rehashed } from "./recheckFollowed.ts";

/** Rows that are prepared while copies are looked for: more would be in memory together with all new ids. */
const BEGUN_ROWS_MAX = 4_000_000;

export interface PinDayOptions {
  readonly inputs: InputsStore;
  readonly copySearch: CopySearch;
  readonly engine: TruthEngine;
  readonly slices: Pick<SliceRecords, "find">;
  readonly codeVersion: string;
  readonly sliceRowsMax: number;
  readonly slicesAtOnce: number;
  readonly check: CheckObjects;
  readonly prepared: PreparedSlices;
}

/** Inputs, and what earlier counts hold by them: nothing for a job that judges all itself. */
export interface PinnedDay extends Rechecked {
  readonly inputs: PinnedInputs;
}

/**
 * Finds all that a job judges by, and what earlier counts hold of it. Copies in other hours are looked
 * for over the index of all events; what they do not change is begun beside that, of hours that will
 * be judged whatever is found.
 *
 * @throws {JobRefusedError} Something that the engine could not read is damaged.
 */
export async function pinDay(
  options: PinDayOptions,
  job: Job,
  signal: AbortSignal,
): Promise<PinnedDay> {
  // What has come is looked up while inputs are read.
  const begun = options.copySearch.search();
  const [, pinned] = await allEnded([begun, pinAfter(begun, options, job, signal)]);
  return pinned;
}

async function pinAfter(
  begun: Promise<void>,
  options: PinDayOptions,
  job: Job,
  signal: AbortSignal,
): Promise<PinnedDay> {
  const { inputs: store, slices, codeVersion } = options;
  const base = await store.read(job);
  const withCopies = (copies: readonly PinnedObject[]): PinnedInputs => {
    const { knownCopies: _, ...rest } = base;
    return { ...rest, copies, codeVersion };
  };
  if (job.full) {
    return { inputs: withCopies(await findCopies(options, base, begun)), known: [], read: [] };
  }
  const earlier = await slices.find(job);
  // Nearly always these are all that there are.
  const assumed = withCopies(await store.resolve(base.knownCopies));
  const [copies, held] = await allEnded([
    findCopies(options, base, begun),
    beginDay(options, job, assumed, earlier, signal),
  ]);
  const inputs = withCopies(copies);
  if (isDeepStrictEqual(copies, assumed.copies)) return { inputs, ...held };
  return { inputs, ...(await recheckFollowed(options, inputs, earlier, signal)) };
}

async function findCopies(
  { inputs, copySearch, engine }: PinDayOptions,
  { campaigns, bounds, knownCopies }: BaseInputs,
  begun: Promise<void>,
) {
  // An hour more: the clicks that may follow one of the day are told from their copies as well.
  const lookedAt = { fromMs: bounds.fromMs, toMs: bounds.toMs + HOUR_MS };
  await begun;
  // Again after the reading: every object that was read has been looked up.
  await copySearch.search();
  const found = await engine.findCopies(campaigns, lookedAt);
  return inputs.resolve([...knownCopies, ...found]);
}

/** Begins what is probably to be judged, and asks of earlier counts what can be asked already. */
async function beginDay(
  options: PinDayOptions,
  job: Job,
  inputs: PinnedInputs,
  held: KnownSlices,
  signal: AbortSignal,
): Promise<Rechecked> {
  const { prepared, sliceRowsMax, slicesAtOnce } = options;
  const followed = followedHours(inputs, held.slices, held.seen, inputsHashOf);
  const { judged } = planDay(inputs, rehashed(held.slices, followed), sliceRowsMax);
  const rows = judged.flatMap(({ objects }) => objects).reduce((sum, one) => sum + one.rows, 0);
  // Of more slices one is prepared while another is judged, and the engine never rests.
  if (judged.length <= slicesAtOnce && rows <= BEGUN_ROWS_MAX) {
    prepared.begin({ jobId: job.id, inputs, takenOver: [] }, judged, slicesAtOnce);
  }
  return recheckFollowed(options, inputs, held, signal);
}
