import { LogUnavailableError } from "@trueclick/event-log";
import { type PartitionDeps, PartitionReader } from "../pipeline/partitionReader.ts";
import type { CheckpointStore } from "../ports/checkpointStore.ts";
import { StoreUnavailableError } from "../ports/faults.ts";
import { CAMPAIGNS, HASH_KEY } from "../testing/fixtures.ts";
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
 * owners that are deposed and do not know it, a log that grows and forgets.
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
  #calm = false;
  #isReplay = false;

  constructor(seed: number, mutant: Mutant | undefined) {
    const random = new SeededRandom(seed);
    const records = simulatedTraffic(random);
    const violations: string[] = [];
    this.#random = random;
    // Where ways of counting change, nobody may go on who does not know of it: see 0022.
    this.#isGoverned = seed % 2 === 0;
    this.#schedule = new Schedule(random);
    this.#mutant = mutant;
    this.#world = {
      records,
      log: new SimulatedLog(records),
      hotStore: new SimulatedHotStore(violations),
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
    if (random.happens(0.05)) this.#expire(partition);
    await this.#schedule.step();
  }

  /** The log keeps at least what a restart needs, and often no more. */
  #expire(partition: number): void {
    const row = this.#world.checkpoints.rows.get(partition);
    if (row !== undefined) this.#world.log.expire(partition, row.checkpoint.restartOffset);
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
    if (this.#isGoverned) {
      for (const other of this.#lives) if (other.partition === partition) other.crashed = true;
    }
    const life = { partition, crashed: false, epoch: 0n };
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
      const reader = await PartitionReader.open(deps, own, { stopping: never, deadline: never });
      while (!life.crashed) await reader.step();
    } catch (error) {
      this.#ended(life, error);
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
        // The log never forgets what a restart needs, so there is never a gap.
        expired: () => this.#world.violations.push(`a gap of partition ${life.partition}`),
      },
      delay: async () => {},
      random: () => 0.5,
      nowMs: () => 0,
      governor: () => ({ decide: () => this.#decide() }),
    };
    const deps = this.#mutant?.deps?.(whole, this.#world) ?? whole;
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
        writeCells: (...args) => write(() => deps.hotStore.writeCells(...args)),
        writeUsers: (...args) => write(() => deps.hotStore.writeUsers(...args)),
        writeRejects: (...args) => write(() => deps.hotStore.writeRejects(...args)),
      },
      checkpoints: {
        // Not repeated by the network: a second acquisition is a new epoch, and another owner.
        acquire: (...args) =>
          this.#effect(life, () => acquireAs(life, deps.checkpoints, args), storeGone, false),
        commit: (...args) => write(() => deps.checkpoints.commit(...args)),
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

async function acquireAs(
  life: Life,
  checkpoints: CheckpointStore,
  args: Parameters<CheckpointStore["acquire"]>,
) {
  const owner = await checkpoints.acquire(...args);
  life.epoch = owner.epoch;
  return owner;
}

/** A repeated commit of one who was deposed meanwhile is refused, and nobody listens. */
async function quietly(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "StaleEpochError") throw error;
  }
}
