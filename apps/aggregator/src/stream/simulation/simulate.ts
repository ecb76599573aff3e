import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { BASE_MS } from "../testing/fixtures.ts";
import { liveBackfill } from "./backfillLife.ts";
import { Effects } from "./effects.ts";
import { findings, streamFindings } from "./findings.ts";
import type { Mutant } from "./mutant.ts";
import { type Life, Schedule, type Turning } from "./schedule.ts";
import { SeededRandom } from "./seededRandom.ts";
import { SimulatedArchive } from "./simulatedArchive.ts";
import { SimulatedHotLines } from "./simulatedHotLines.ts";
import { SimulatedDirtyHours, SimulatedHotHours, SimulatedRollups } from "./simulatedHours.ts";
import { SimulatedLog } from "./simulatedLog.ts";
import { SimulatedCheckpointStore, SimulatedHotStore } from "./simulatedStores.ts";
import {
  ALLOWED_LATENESS_MS,
  PARTITIONS,
  PARTITIONS_FIRST,
  simulatedTraffic,
} from "./simulatedTraffic.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";
import { liveStream } from "./streamLife.ts";

/** Things that happen while faults do; then calm, in which everything must come right. */
const STORM_STEPS = 120;
/** Turns that a calm end may take; more is a pipeline that does not go on. */
const CALM_STEPS_MAX = 3_000;
/** Turns in which those may end who were deposed. */
const ZOMBIE_STEPS = 40;
/** When the topic is given its last partition, in runs in which it has not had it from the start. */
const GROWN_STEP = 50;
const OWNERS_MAX = 3;
/** Before any append time, as the clocks of stores and log are taken to be at most an hour apart. */
const STORM_MS = BASE_MS - HOUR_MS;
/** Every window has closed by then. */
const LONG_AFTER_MS = BASE_MS + 4 * DAY_MS;

/**
 * Runs the real pipeline, partition readers with their engines and the backfill, through faults that
 * the seed chooses: crashes between any two steps, answers lost, writes that arrive in part, twice
 * or much later, owners that are deposed and do not know it, a log that grows and forgets, in some
 * seeds more than it may, and an archive that lags, loses what it had read, and has damaged objects.
 *
 * @param mutant Breaks the pipeline on purpose, to see that this notices.
 * @returns What was wrong, in words; nothing, if all held.
 */
export async function simulate(seed: number, mutant?: Mutant): Promise<string[]> {
  return new Simulation(seed, mutant).run();
}

class Simulation {
  readonly #random: SeededRandom;
  readonly #schedule: Schedule;
  readonly #effects: Effects;
  readonly #mutant: Mutant | undefined;
  readonly #world: SimulatedWorld;
  #lives: Life[] = [];
  #started = 0;
  #backfills: Turning[] = [];
  readonly #isGoverned: boolean;
  readonly #isForgetful: boolean;
  /** Whether the log may forget what the archive has not read yet, and the archive what it has. */
  readonly #isArchiveLate: boolean;
  /** Whether hours are counted again while the storm goes on. */
  readonly #isHealing: boolean;
  /** Whether all is read again before anything is healed, while the backfill goes on. */
  readonly #isHasty: boolean;
  /** Whether the topic is given its last partition while the storm goes on. */
  readonly #isGrowing: boolean;
  #isReplay = false;

  constructor(seed: number, mutant: Mutant | undefined) {
    const random = new SeededRandom(seed);
    this.#random = random;
    this.#isGoverned = seed % 2 === 0;
    this.#isForgetful = seed % 3 === 0;
    this.#isArchiveLate = seed % 15 === 0;
    this.#isHealing = seed % 5 < 2;
    this.#isHasty = seed % 7 === 0;
    this.#isGrowing = seed % 4 === 1;
    this.#schedule = new Schedule(random);
    this.#effects = new Effects(this.#schedule, random);
    this.#mutant = mutant;
    this.#world = worldOf(random, this.#isGrowing);
  }

  async run(): Promise<string[]> {
    const { log, checkpoints, violations } = this.#world;
    const steps = this.#isHealing ? 2 * STORM_STEPS : STORM_STEPS;
    if (this.#isGrowing) log.partitionCount = PARTITIONS_FIRST;
    for (let step = 0; step < steps; step += 1) {
      if (step === GROWN_STEP) log.partitionCount = PARTITIONS;
      await this.#stormStep();
    }
    this.#effects.calm = true;
    this.#crashBackfills();
    log.appendAll();
    await this.#countToEnd();
    // What is still on its way arrives last.
    await this.#effects.arriveAll();
    const counted = streamFindings(this.#world);
    if (!this.#isHasty) await this.#heal();
    const after = this.#isHasty ? counted : [...counted, ...findings(this.#world, [])];

    // Nobody reads again what the log has lost; where it has lost nothing, it may all come again.
    const isWhole = checkpoints.gaps.length === 0 && this.#random.happens(0.7);
    for (const partition of checkpoints.rows.keys()) if (isWhole) log.expire(partition, 0n);
    checkpoints.rows.clear();
    this.#isReplay = true;
    const partitions = Array.from({ length: PARTITIONS }, (_none, at) => at);
    const readFrom = partitions.map((partition) => log.rangeOf(partition).startOffset);
    if (this.#isHasty) this.#startBackfill();
    await this.#countToEnd();
    // A log that has lost its first records gives another start of the watermark, too.
    const recounted = readFrom.every((at) => at === 0n) ? streamFindings(this.#world) : [];
    await this.#heal();
    const replayed = [...recounted, ...findings(this.#world, readFrom)];
    return [...violations, ...after, ...replayed.map((finding) => `after a replay: ${finding}`)];
  }

  async #stormStep(): Promise<void> {
    const random = this.#random;
    const partition = random.below(this.#world.log.partitionCount);
    const owners = this.#lives.filter((life) => life.partition === partition && !life.crashed);
    if (random.happens(0.15)) this.#world.log.append(partition);
    if (owners.length < OWNERS_MAX && random.happens(owners.length === 0 ? 0.5 : 0.04)) {
      this.#start(partition);
    }
    if (owners.length > 0 && random.happens(0.03)) random.pick(owners).crashed = true;
    if (random.happens(0.1)) await this.#effects.arrive();
    this.#archive(partition);
    this.#startOrCrashBackfill();
    if (random.happens(0.05)) await this.#expire(partition);
    await this.#schedule.step();
  }

  #archive(partition: number): void {
    const { archive } = this.#world;
    const random = this.#random;
    if (random.happens(0.2)) archive.read1(partition);
    if (random.happens(0.1)) archive.commit(partition);
    if (this.#isArchiveLate && random.happens(0.05)) archive.crash(partition);
  }

  #startOrCrashBackfill(): void {
    if (!this.#isHealing) return;
    const random = this.#random;
    const running = this.#backfills.filter((life) => !life.crashed);
    if (running.length === 0 && random.happens(0.2)) this.#startBackfill();
    else if (running.length === 1 && random.happens(0.01)) this.#startBackfill();
    else if (running.length > 0 && random.happens(0.01)) random.pick(running).crashed = true;
  }

  /** The log keeps at least what a restart needs, and often no more; a forgetful one less. */
  async #expire(partition: number): Promise<void> {
    const { log, archive, checkpoints } = this.#world;
    const row = checkpoints.rows.get(partition);
    if (row === undefined) return;
    const { startOffset, endOffset } = log.rangeOf(partition);
    const { restartOffset } = row.checkpoint;
    const isTooMuch = this.#isForgetful && this.#random.happens(0.3);
    const wanted = isTooMuch ? BigInt(this.#random.below(Number(endOffset) + 1)) : restartOffset;
    const archivedTo = archive.nextOffset(partition);
    const kept = this.#isArchiveLate || wanted < archivedTo ? wanted : archivedTo;
    if (kept > startOffset) log.expire(partition, kept);
  }

  /** Starts afresh and counts all that the log has, with nothing in the way. */
  async #countToEnd(): Promise<void> {
    const { log, checkpoints, violations } = this.#world;
    for (let partition = 0; partition < PARTITIONS; partition += 1) this.#start(partition);
    const isCounted = () =>
      this.#world.records.every((_none, partition) => {
        const { endOffset } = log.rangeOf(partition);
        return checkpoints.rows.get(partition)?.checkpoint.nextOffset === endOffset;
      });
    if (!(await this.#stepUntil(isCounted))) violations.push("the end of the log was not reached");
    // Who was deposed may have rows to write yet, and learns only behind them that he is.
    const isAlone = () =>
      this.#lives.every(({ crashed, partition, epoch }) => {
        return crashed || checkpoints.rows.get(partition)?.epoch === epoch;
      });
    await this.#stepUntil(isAlone, ZOMBIE_STEPS);
    for (const life of this.#lives) life.crashed = true;
    this.#lives = [];
  }

  /** Archives all that the log has, and counts again whatever is dirty. */
  async #heal(): Promise<void> {
    const { archive, log, checkpoints, dirtyHours, rollups, violations } = this.#world;
    for (let partition = 0; partition < PARTITIONS; partition += 1) archive.catchUp(partition);
    const isStuck = this.#world.records.some((_none, partition) => {
      return archive.frontier(partition) < log.rangeOf(partition).endOffset;
    });
    if (isStuck) return;
    rollups.nowMs = LONG_AFTER_MS;
    this.#crashBackfills();
    this.#startBackfill();
    // A step looks for hours once it has rolled up, so an idle one comes to several turns.
    let quietTurns = 0;
    const isHealed = () => {
      quietTurns = dirtyHours.openMs.size === 0 ? quietTurns + 1 : 0;
      return quietTurns > 20;
    };
    if (!(await this.#stepUntil(isHealed))) violations.push("hours stay dirty");
    const unsettled = checkpoints.gaps.filter(({ unsureUntil }) => unsureUntil !== null);
    if (unsettled.length > 0) violations.push("a gap is not settled");
    this.#crashBackfills();
  }

  async #stepUntil(holds: () => boolean, stepsMax = CALM_STEPS_MAX): Promise<boolean> {
    for (let step = 0; step < stepsMax; step += 1) {
      if (holds()) return true;
      await this.#schedule.step();
    }
    return false;
  }

  #crashBackfills(): void {
    for (const life of this.#backfills) life.crashed = true;
    this.#backfills = [];
  }

  #startBackfill(): void {
    const life = { crashed: false };
    this.#backfills.push(life);
    const [world, effects, random] = [this.#world, this.#effects, this.#random];
    void liveBackfill({ world, effects, random, mutant: this.#mutant }, life);
  }

  #start(partition: number): void {
    this.#started += 1;
    const life = { id: this.#started, partition, crashed: false, epoch: 0n };
    this.#lives.push(life);
    const [world, effects, random] = [this.#world, this.#effects, this.#random];
    const governor = { decide: () => this.#decide() };
    const isForgetful = this.#isForgetful;
    void liveStream({ world, effects, random, mutant: this.#mutant, governor, isForgetful }, life);
  }

  /** Any change at any time: whoever decides, the order of effects must hold. */
  #decide() {
    const random = this.#random;
    if (!this.#isGoverned || this.#isReplay || !random.happens(0.2)) return null;
    const allowedLatenessMs = ALLOWED_LATENESS_MS * random.pick([1, 2, 3]);
    return { level: random.below(4), allowedLatenessMs, cause: "chance" };
  }
}

function worldOf(random: SeededRandom, isGrowing: boolean): SimulatedWorld {
  const records = simulatedTraffic(random, isGrowing);
  const violations: string[] = [];
  const log = new SimulatedLog(records);
  const archive = new SimulatedArchive(log);
  const hotStore = new SimulatedHotStore();
  const checkpoints = new SimulatedCheckpointStore(archive, violations);
  const quarters = new Set(random.happens(0.5) ? ["adv_1"] : []);
  const dirtyHours = new SimulatedDirtyHours(checkpoints, archive);
  const hotHours = new SimulatedHotHours(hotStore);
  return {
    ...{ records, log, archive, hotStore, checkpoints, dirtyHours, violations },
    hotHours,
    lines: new SimulatedHotLines(hotHours),
    rollups: new SimulatedRollups(checkpoints, dirtyHours, quarters, STORM_MS),
  };
}
