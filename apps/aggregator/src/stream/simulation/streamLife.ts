import { LogUnavailableError, OffsetOutOfRangeError } from "@trueclick/event-log";
import type { Governor } from "../domain/governor.ts";
import { type PartitionDeps, PartitionReader } from "../pipeline/partitionReader.ts";
import type { CheckpointStore } from "../ports/checkpointStore.ts";
import { StoreUnavailableError } from "../ports/faults.ts";
import { CAMPAIGNS, HASH_KEY } from "../testing/fixtures.ts";
import type { Effects } from "./effects.ts";
import type { Mutant } from "./mutant.ts";
import type { Life } from "./schedule.ts";
import type { SeededRandom } from "./seededRandom.ts";
import { ALLOWED_LATENESS_MS } from "./simulatedTraffic.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";

const SILENT = {
  owned: () => {},
  flushed: () => {},
  retrying: () => {},
  recovered: () => {},
  stopped: () => {},
  released: () => {},
};

const LOG_GONE = { gone: () => new LogUnavailableError("away"), repeatable: false };
const STORE_GONE = { gone: () => new StoreUnavailableError("away"), repeatable: false };
const MAY_REPEAT = { ...STORE_GONE, repeatable: true };

export interface StreamLives {
  readonly world: SimulatedWorld;
  readonly effects: Effects;
  readonly random: SeededRandom;
  readonly mutant: Mutant | undefined;
  readonly governor: Governor;
  /** Whether the log may forget what a restart needs. */
  readonly isForgetful: boolean;
}

/** Counts a partition, by the real reader, until it has crashed or is deposed. */
export async function liveStream(lives: StreamLives, life: Life): Promise<void> {
  const { partition } = life;
  const { random, mutant } = lives;
  const never = new AbortController().signal;
  const deps = depsOf(lives, life);
  const settings = {
    ...{ partition, allowedLatenessMs: ALLOWED_LATENESS_MS, openEntriesMax: 1_000_000 },
    ...{ hashKey: HASH_KEY, flushIntervalMs: 1, readWaitMs: 0 },
    readRecordsMax: 1 + random.below(4),
    flushBytesMax: random.pick([1, 1, 2_000]),
    waitingUsersMax: 2,
  };
  try {
    const own = mutant?.settings?.(settings) ?? settings;
    while (!life.crashed) {
      const reader = await PartitionReader.open(deps, own, { stopping: never, deadline: never });
      await readOn(lives, life, reader);
    }
  } catch (error) {
    ended(lives, life, error);
  }
}

/** Until it has crashed, or the log has expired under the reader: then it is opened anew. */
async function readOn(
  { isForgetful }: StreamLives,
  life: Life,
  reader: PartitionReader,
): Promise<void> {
  try {
    while (!life.crashed) await reader.step();
  } catch (error) {
    const isExpired =
      error instanceof OffsetOutOfRangeError && error.requested < error.range.startOffset;
    if (!isExpired || !isForgetful) throw error;
  }
}

/** Losing a partition to another is no fault; losing the log is none to one that has lost it. */
function ended({ world }: StreamLives, life: Life, error: unknown): void {
  life.crashed = true;
  if (!(error instanceof Error)) throw error;
  if (error.name === "StaleEpochError") return;
  const isOwner = world.checkpoints.rows.get(life.partition)?.epoch === life.epoch;
  if (error.name === "OffsetOutOfRangeError" && !isOwner) return;
  world.violations.push(`an owner ended with ${error.name}: ${error.message}`);
}

/** What the process sees: every effect waits for its turn, and may fare badly. */
function depsOf(lives: StreamLives, life: Life): PartitionDeps {
  const { world, effects, mutant, governor, isForgetful } = lives;
  const { log, hotStore, checkpoints, violations } = world;
  const whole: PartitionDeps = {
    ...{ log, hotStore, checkpoints, delay: async () => {}, random: () => 0.5, nowMs: () => 0 },
    campaigns: { snapshotFor: async () => CAMPAIGNS },
    observer: {
      ...SILENT,
      expired: () => {
        if (!isForgetful) violations.push(`a gap of partition ${life.partition}`);
      },
    },
    governor: () => governor,
  };
  const deps = mutant?.deps?.(whole, world) ?? whole;
  const rows = <Row>(some: readonly Row[], act: (part: readonly Row[]) => Promise<void>) =>
    effects.doRows(life, some, (part) => writeAs(life, world, () => act(part)), STORE_GONE.gone);
  return {
    ...deps,
    log: {
      ...{ topic: log.topic, partitionCount: log.partitionCount, close: () => log.close() },
      read: (request) => effects.do(life, () => deps.log.read(request), LOG_GONE),
      release: (records) => deps.log.release(records),
      offsets: (partition) => effects.do(life, () => deps.log.offsets(partition), LOG_GONE),
    },
    hotStore: {
      writeCells: (partition, cells, signal) =>
        rows([...cells], (part) => deps.hotStore.writeCells(partition, part, signal)),
      writeUsers: (users, signal) => rows(users, (part) => deps.hotStore.writeUsers(part, signal)),
      writeRejects: (rejects, signal) =>
        rows(rejects, (part) => deps.hotStore.writeRejects(part, signal)),
    },
    checkpoints: checkpointsOf(lives, life, deps.checkpoints),
  };
}

function checkpointsOf(
  { effects }: StreamLives,
  life: Life,
  checkpoints: CheckpointStore,
): CheckpointStore {
  return {
    // Not repeated by the network: a second acquisition is a new epoch, and another owner.
    acquire: (...args) =>
      effects.do(
        life,
        async () => {
          const owner = await checkpoints.acquire(...args);
          life.epoch = owner.epoch;
          return owner;
        },
        STORE_GONE,
      ),
    announce: (...args) => effects.do(life, () => checkpoints.announce(...args), MAY_REPEAT),
    commit: (...args) => effects.do(life, () => checkpoints.commit(...args), MAY_REPEAT),
    skipExpired: (...args) => effects.do(life, () => checkpoints.skipExpired(...args), STORE_GONE),
  };
}

/** Before a gap it may matter who wrote: see `streamDoubts.ts`. */
async function writeAs(
  life: Life,
  { hotStore }: SimulatedWorld,
  write: () => Promise<void>,
): Promise<void> {
  hotStore.writer = { life, epoch: life.epoch };
  await write().finally(() => {
    hotStore.writer = null;
  });
}
