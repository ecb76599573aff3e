import { LogUnavailableError, OffsetOutOfRangeError } from "@trueclick/event-log";
import { type PartitionDeps, PartitionReader } from "../pipeline/partitionReader.ts";
import { StoreUnavailableError } from "../ports/faults.ts";
import { CAMPAIGNS, HASH_KEY } from "../testing/fixtures.ts";
import { acquireAs, commitAs, writeAs } from "./actAs.ts";
import { findings } from "./findings.ts";
import type { Mutant } from "./mutant.ts";
import { type Life, Schedule } from "./schedule.ts";
import { SeededRandom } from "./seededRandom.ts";
import {
  SimulatedCheckpointStore,
  SimulatedHotStore,
  SimulatedLog,
  type SimulatedWorld,
} from "./simulatedStores.ts";
import { ALLOWED_LATENESS_MS, PARTITIONS, simulatedTraffic } from "./simulatedTraffic.ts";

/** Things that happen while faults do; then calm, in which everything must come right. */
const STORM_STEPS = 120;
/** Turns that a calm end may take; more is a stream that does not go on. */
const CALM_STEPS_MAX = 3_000;
const OWNERS_MAX = 3;

const SILENT = {
  owned: () => {},
  flushed: () => {},
  retrying: () => {},
  recovered: () => {},
  stopped: () => {},
  released: () => {},
  expired: () => {},
};

/**
 * Runs the real pipeline, partition readers and their engines, through faults that the seed
 * chooses: crashes between any two steps, answers lost, writes that arrive twice or much later,
 * owners that are deposed and do not know it, a log that grows and forgets, in some seeds more than
 * it may.
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
  readonly #mutant: Mutant | undefined;
  readonly #world: SimulatedWorld;
  #lives: Life[] = [];
  #late: (() => Promise<unknown>)[] = [];
  readonly #isGoverned: boolean;
  readonly #isForgetful: boolean;
  #calm = false;
  #isReplay = false;

  constructor(seed: number, mutant: Mutant | undefined) {
    const random = new SeededRandom(seed);
    const records = simulatedTraffic(random);
    const violations: string[] = [];
    this.#random = random;
    this.#isGoverned = seed % 2 === 0;
    this.#isForgetful = seed % 3 === 0;
    this.#schedule = new Schedule(random);
    this.#mutant = mutant;
    this.#world = {
      records,
      log: new SimulatedLog(records),
      hotStore: new SimulatedHotStore(),
      checkpoints: new SimulatedCheckpointStore(violations),
      violations,
    };
  }

  async run(): Promise<string[]> {
    const { log, checkpoints, violations } = this.#world;
    for (let step = 0; step < STORM_STEPS; step += 1) await this.#stormStep();
    this.#calm = true;
    log.appendAll();
    this.#startAll();
    await this.#untilCounted();
    // What is still on its way arrives last.
    for (const write of this.#late) await write();
    const after = await findings(this.#world);

    this.#crashAll();
    // What was lost is counted again from the archive, an hour at a time, and not by a replay.
    if (checkpoints.lost.length > 0) return [...violations, ...after];
    for (const partition of checkpoints.rows.keys()) log.expire(partition, 0n);
    checkpoints.rows.clear();
    this.#isReplay = true;
    this.#startAll();
    await this.#untilCounted();
    const replayed = await findings(this.#world);
    this.#crashAll();
    return [...violations, ...after, ...replayed.map((finding) => `after a replay: ${finding}`)];
  }

  async #stormStep(): Promise<void> {
    const random = this.#random;
    const partition = random.below(PARTITIONS);
    const owners = this.#lives.filter((life) => life.partition === partition && !life.crashed);
    if (random.happens(0.15)) this.#world.log.append(partition);
    if (owners.length < OWNERS_MAX && random.happens(owners.length === 0 ? 0.5 : 0.04)) {
      this.#start(partition);
    }
    if (owners.length > 0 && random.happens(0.03)) random.pick(owners).crashed = true;
    if (this.#late.length > 0 && random.happens(0.1)) {
      const [write] = this.#late.splice(random.below(this.#late.length), 1);
      await write?.();
    }
    if (random.happens(0.05)) await this.#expire(partition);
    await this.#schedule.step();
  }

  /** The log keeps at least what a restart needs, and often no more; a forgetful one less. */
  async #expire(partition: number): Promise<void> {
    const { log, checkpoints } = this.#world;
    const row = checkpoints.rows.get(partition);
    if (row === undefined) return;
    const { startOffset, endOffset } = await log.offsets(partition);
    const { restartOffset } = row.checkpoint;
    const isTooMuch = this.#isForgetful && this.#random.happens(0.3);
    const kept = isTooMuch ? BigInt(this.#random.below(Number(endOffset) + 1)) : restartOffset;
    if (kept > startOffset) log.expire(partition, kept);
  }

  #crashAll(): void {
    for (const life of this.#lives) life.crashed = true;
    this.#lives = [];
  }

  #startAll(): void {
    for (let partition = 0; partition < PARTITIONS; partition += 1) this.#start(partition);
  }

  async #untilCounted(): Promise<void> {
    const { log, checkpoints, violations } = this.#world;
    for (let step = 0; step < CALM_STEPS_MAX; step += 1) {
      const ends = await Promise.all(this.#world.records.map((_none, at) => log.offsets(at)));
      const isCounted = ends.every(({ endOffset }, partition) => {
        return checkpoints.rows.get(partition)?.checkpoint.nextOffset === endOffset;
      });
      if (isCounted) return;
      await this.#schedule.step();
    }
    violations.push("the end of the log was not reached");
  }

  #start(partition: number): void {
    const life = { partition, crashed: false, epoch: 0n, knownChanges: new Set<bigint>() };
    this.#lives.push(life);
    void this.#live(life);
  }

  async #live(life: Life): Promise<void> {
    const { partition } = life;
    const never = new AbortController().signal;
    const deps = this.#depsOf(life);
    const settings = {
      ...{ partition, allowedLatenessMs: ALLOWED_LATENESS_MS, openEntriesMax: 1_000_000 },
      ...{ hashKey: HASH_KEY, flushIntervalMs: 1, readWaitMs: 0 },
      readRecordsMax: 1 + this.#random.below(4),
      flushBytesMax: this.#random.pick([1, 1, 2_000]),
      waitingUsersMax: 2,
    };
    try {
      const own = this.#mutant?.settings?.(settings) ?? settings;
      while (!life.crashed) {
        const reader = await PartitionReader.open(deps, own, { stopping: never, deadline: never });
        await this.#readOn(life, reader);
      }
    } catch (error) {
      this.#ended(life, error);
    }
  }

  /** Until it has crashed, or the log has expired under the reader: then it is opened anew. */
  async #readOn(life: Life, reader: PartitionReader): Promise<void> {
    try {
      while (!life.crashed) await reader.step();
    } catch (error) {
      const isExpired =
        error instanceof OffsetOutOfRangeError && error.requested < error.range.startOffset;
      if (!isExpired || !this.#isForgetful) throw error;
    }
  }

  /** Losing a partition to another is no fault; losing the log is none to one that has lost it. */
  #ended(life: Life, error: unknown): void {
    life.crashed = true;
    if (!(error instanceof Error)) throw error;
    if (error.name === "StaleEpochError") return;
    const isOwner = this.#world.checkpoints.rows.get(life.partition)?.epoch === life.epoch;
    if (error.name === "OffsetOutOfRangeError" && !isOwner) return;
    this.#world.violations.push(`an owner ended with ${error.name}: ${error.message}`);
  }

  /** What the process sees: every effect waits for its turn, and may fare badly. */
  #depsOf(life: Life): PartitionDeps {
    const { log, hotStore, checkpoints } = this.#world;
    const whole: PartitionDeps = {
      log,
      hotStore,
      checkpoints,
      campaigns: { snapshotFor: async () => CAMPAIGNS },
      observer: {
        ...SILENT,
        expired: () => {
          if (!this.#isForgetful)
            this.#world.violations.push(`a gap of partition ${life.partition}`);
        },
      },
      delay: async () => {},
      random: () => 0.5,
      nowMs: () => 0,
      governor: () => ({ decide: () => this.#decide() }),
    };
    const deps = this.#mutant?.deps?.(whole, this.#world) ?? whole;
    const byLife = (writes: () => Promise<void>) => write(() => writeAs(life, this.#world, writes));
    const logGone = () => new LogUnavailableError("away");
    const storeGone = () => new StoreUnavailableError("away");
    const ask = <T>(act: () => Promise<T>) => this.#effect(life, act, logGone, false);
    const write = <T>(act: () => Promise<T>) => this.#effect(life, act, storeGone, true);
    return {
      ...deps,
      log: {
        ...{ topic: log.topic, partitionCount: log.partitionCount, close: () => log.close() },
        read: (request) => ask(() => deps.log.read(request)),
        offsets: (partition) => ask(() => deps.log.offsets(partition)),
      },
      hotStore: {
        writeCells: (...args) => byLife(() => deps.hotStore.writeCells(...args)),
        writeUsers: (...args) => byLife(() => deps.hotStore.writeUsers(...args)),
        writeRejects: (...args) => byLife(() => deps.hotStore.writeRejects(...args)),
      },
      checkpoints: {
        // Not repeated by the network: a second acquisition is a new epoch, and another owner.
        acquire: (...args) =>
          this.#effect(
            life,
            () => acquireAs(life, this.#world, () => deps.checkpoints.acquire(...args)),
            storeGone,
            false,
          ),
        commit: (...args) => write(() => commitAs(life, deps.checkpoints, args)),
        skipExpired: (...args) => ask(() => deps.checkpoints.skipExpired(...args)),
      },
    };
  }

  /** Any change at any time: whoever decides, the order of effects must hold. */
  #decide() {
    const random = this.#random;
    if (!this.#isGoverned || this.#isReplay || !random.happens(0.2)) return null;
    const allowedLatenessMs = ALLOWED_LATENESS_MS * random.pick([1, 2, 3]);
    return { level: random.below(4), allowedLatenessMs, cause: "chance" };
  }

  async #effect<T>(
    life: Life,
    act: () => Promise<T>,
    gone: () => Error,
    repeatable: boolean,
  ): Promise<T> {
    await this.#schedule.turn(life);
    const random = this.#random;
    if (!this.#calm && random.happens(0.06)) throw gone();
    const done = await act();
    if (!this.#calm && repeatable && random.happens(0.08)) this.#late.push(() => quietly(act));
    // The process may die here: done, and nobody was told.
    await this.#schedule.turn(life);
    if (!this.#calm && random.happens(0.06)) throw gone();
    return done;
  }
}

/** A repeated commit of one who was deposed meanwhile is refused, and nobody listens. */
async function quietly(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "StaleEpochError") throw error;
  }
}
