import type { PinnedInputs, PinnedObject } from "../domain/inputs.ts";
import { hourInputs, type JudgedSlice, planPart } from "../domain/sliceReuse.ts";
import type { Slice } from "../domain/slices.ts";
import { shareSlices, type TakenSlices } from "../domain/takenOver.ts";
import { type BuildSummary, findDiscrepancy } from "../domain/truth.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import type { SliceRecords } from "../ports/sliceRecords.ts";
import type { Build, TruthEngine } from "../ports/truthEngine.ts";
import { allEnded } from "./allEnded.ts";
import { type CheckObjects, whileChecked } from "./objectChecks.ts";
import type { PreparedSlices } from "./preparedSlices.ts";
import { inputsHashOf } from "./recheckFollowed.ts";

/** What is judged, and what earlier builds hold. */
export interface DayPlan extends TakenSlices {
  readonly judged: readonly Slice[];
}

export interface JudgeDayOptions {
  readonly engine: TruthEngine;
  readonly slices: Pick<SliceRecords, "copy" | "record">;
  /** Asked of all that a slice reads, before it is noted as judged. */
  readonly check: CheckObjects;
  /** What has been begun already of the slices to judge. */
  readonly prepared: PreparedSlices;
  /** Of `planDay`; the build takes over what is shared. */
  readonly plan: DayPlan;
  /** Objects that the plan was made by: nothing of it is noted before they are found whole. */
  readonly read: readonly PinnedObject[];
  /** Slices judged side by side. */
  readonly slicesAtOnce: number;
  /** Told of the first slices' number before any is begun, and then of each that is done. */
  readonly onProgress: (done: number, total: number) => Promise<void>;
}

/**
 * Which slices of a day are judged, and which are taken over.
 *
 * @param known Slices that earlier counts judged; none to judge every event.
 * @param sliceRowsMax Rows that one query judges, unless a single hour has more.
 */
export function planDay(
  inputs: PinnedInputs,
  known: readonly JudgedSlice[],
  sliceRowsMax: number,
): DayPlan {
  const { reused, judged } = planPart(inputs, known, sliceRowsMax, inputsHashOf);
  return { ...shareSlices(reused), judged };
}

/**
 * Judges the slices of a day of which no earlier build holds the rows, several side by side, takes
 * over the others, and reads back what the build holds.
 *
 * @throws {JobRefusedError} An object is damaged, or what the engine read or wrote does not add up.
 * @throws what the engine and `onProgress` throw, once no slice is at work any more.
 */
export async function judgeDay(
  options: JudgeDayOptions,
  build: Build,
  signal: AbortSignal,
): Promise<BuildSummary> {
  const { engine, plan, slices, onProgress } = options;
  const { inputs, jobId } = build;
  const taken = [...plan.shared, ...plan.copied.map((slice) => ({ ...slice, buildId: jobId }))];
  const total = taken.length + plan.judged.length;
  await onProgress(0, total);
  // Of a few touched hours one may have nearly all events; many slices share no hash table.
  const threads = plan.judged.length <= options.slicesAtOnce ? options.slicesAtOnce : 1;
  await copySlices(options, build, threads);
  let events = taken.reduce((sum, slice) => sum + slice.events, 0);
  let done = taken.length;
  const written = countdown(plan.judged.length);
  const judging = sideBySide(plan.judged, options.slicesAtOnce, async (slice) => {
    signal.throwIfAborted();
    const eventsByHour = await whileChecked(options.check(objectsOf(slice), signal), () =>
      judgeSlice(options, build, slice, threads),
    );
    written.count();
    const hours = hourInputs(inputs, slice).map(({ hourMs, hashed, alone }) => {
      const own = eventsByHour.get(hourMs) ?? 0;
      const [inputsHash, aloneHash] = [inputsHashOf(hashed), inputsHashOf(alone)];
      return { hoursMs: [hourMs], inputsHash, aloneHash, events: own, buildId: jobId };
    });
    await allEnded([
      engine.addUp(
        build,
        hours.flatMap(({ hoursMs }) => hoursMs),
        threads,
      ),
      engine.discard(build, slice),
    ]);
    await slices.record(jobId, hours);
    for (const own of eventsByHour.values()) events += own;
    done += 1;
    await onProgress(done, total);
  });
  // Users are told from the cube alone: they are counted while the last hours are added up.
  const counting = written.over(judging).then(() => engine.countUsers(build));
  const noting = options.check(options.read, signal).then(() => slices.record(jobId, taken));
  const [, , users] = await allEnded([noting, judging, counting]);
  const summary = await engine.summarize(build, users);
  const discrepancy = findDiscrepancy(events, summary);
  if (discrepancy !== null) throw new JobRefusedError(discrepancy);
  return summary;
}

/** Of some things that are yet to happen. */
function countdown(things: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = things;
  if (left === 0) resolve();
  return {
    count() {
      left -= 1;
      if (left === 0) resolve();
    },
    /** Ends once all have happened. @throws what `works` throws, if they never will. */
    over(works: Promise<unknown>): Promise<void> {
      works.catch(reject);
      return promise;
    },
  };
}

async function copySlices(
  { engine, slices, plan }: JudgeDayOptions,
  build: Build,
  threads: number,
): Promise<void> {
  if (plan.copied.length === 0) return;
  await slices.copy(build, plan.copied);
  await engine.addUp(
    build,
    plan.copied.flatMap(({ hoursMs }) => hoursMs),
    threads,
  );
}

function objectsOf({ objects, following, copies, preceding }: Slice): PinnedObject[] {
  return [...objects, ...following, ...copies, ...preceding];
}

/** Answers with the events that the slice had to judge, by hour, counted without judging. */
async function judgeSlice(
  { engine, prepared }: Pick<JudgeDayOptions, "engine" | "prepared">,
  build: Build,
  slice: Slice,
  threads: number,
): Promise<ReadonlyMap<number, number>> {
  const [eventsByHour] = await allEnded([
    countSlice(engine, build, slice),
    prepared.prepare(build, slice, threads).then(() => engine.judge(build, slice, threads)),
  ]);
  return eventsByHour;
}

/** @throws {JobRefusedError} The engine reads other rows than the objects have. */
async function countSlice(
  engine: TruthEngine,
  build: Build,
  slice: Slice,
): Promise<ReadonlyMap<number, number>> {
  const { rows, eventsByHour } = await engine.count(build, slice);
  const expected = slice.objects.reduce((sum, object) => sum + object.rows, 0);
  if (rows === expected) return eventsByHour;
  throw new JobRefusedError(`read ${rows} rows of objects that have ${expected}`);
}

/** Works through a list by some workers; the first error stops all, each after what it has in hand. */
async function sideBySide<Item>(
  items: readonly Item[],
  workers: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items].reverse();
  let failed = false;
  const runs = Array.from({ length: workers }, async () => {
    for (let item = waiting.pop(); item !== undefined && !failed; item = waiting.pop()) {
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  });
  const ends = await Promise.allSettled(runs);
  const refused = ends.find((end) => end.status === "rejected");
  if (refused !== undefined) throw refused.reason;
}
