import type { EventLogReader } from "@trueclick/event-log";
import type { Campaign, CampaignSnapshot } from "../domain/campaigns.ts";
import type { EngineOptions } from "../domain/partitionEngine.ts";
import {
  type PartitionDeps,
  PartitionReader,
  type PartitionSettings,
} from "../pipeline/partitionReader.ts";
import type { MemoryCheckpointStore, MemoryHotStore } from "./memoryStores.ts";

/** What outlives any process: the log, and what was written to the stores. */
export interface World {
  readonly log: EventLogReader;
  readonly hotStore: MemoryHotStore;
  readonly checkpoints: MemoryCheckpointStore;
  readonly campaigns: CampaignSnapshot;
}

/** One life of the process: how it reads, and where it halts. */
export interface Life {
  readonly recordsMax: number;
  /** Effects done before it halts in the middle of one; infinite for a life that sees the end. */
  readonly effects: number;
  /** Whether the effect in which it halts has reached the store. */
  readonly reached: boolean;
  /** Whether its directory holds what is created later, too, as that of a replay does. */
  readonly foresees: boolean;
}

const SILENT = {
  owned: () => {},
  flushed: () => {},
  retrying: () => {},
  recovered: () => {},
  stopped: () => {},
  expired: () => {},
  released: () => {},
};

/**
 * Lives one life. It ends at the end of the log, or halts inside an effect for as long as `resume`
 * is not called: a crash, if never; a zombie, that goes on where it stood, if later.
 */
export async function live(
  world: World,
  options: EngineOptions,
  life: Life,
): Promise<{ resume: () => Promise<void> }> {
  let effectsLeft = life.effects;
  const halted = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();

  async function effect<T>(act: () => Promise<T>): Promise<T> {
    effectsLeft -= 1;
    if (effectsLeft !== -1) return await act();
    const done = life.reached ? await act() : null;
    halted.resolve();
    await resumed.promise;
    return done ?? (await act());
  }

  const { log, hotStore, checkpoints, campaigns } = world;
  const deps: PartitionDeps = {
    log: {
      ...{ topic: log.topic, partitionCount: log.partitionCount, close: () => log.close() },
      read: (request) => effect(() => log.read(request)),
      release: (records) => log.release(records),
      offsets: (partition) => effect(() => log.offsets(partition)),
    },
    hotStore: {
      writeCells: (partition, cells) => effect(() => hotStore.writeCells(partition, cells)),
      writeUsers: (users) => effect(() => hotStore.writeUsers(users)),
      writeRejects: (rejects) => effect(() => hotStore.writeRejects(rejects)),
    },
    checkpoints: {
      acquire: (partition, log) => effect(() => checkpoints.acquire(partition, log)),
      commit: (...commit) => effect(() => checkpoints.commit(...commit)),
      skipExpired: (owner, start) => effect(() => checkpoints.skipExpired(owner, start)),
      announce: (owner, offset) => effect(() => checkpoints.announce(owner, offset)),
    },
    campaigns: {
      snapshotFor: (appendTimeMs) =>
        effect(async () => (life.foresees ? campaigns : createdBy(campaigns, appendTimeMs))),
    },
    observer: SILENT,
    delay: async () => {},
    random: () => 0,
    nowMs: () => 0,
  };
  const ended = liveOn(deps, { ...options, ...readSettings(life.recordsMax) });
  await Promise.race([ended, halted.promise]);
  return {
    resume: () => {
      resumed.resolve();
      return ended;
    },
  };
}

function createdBy(campaigns: CampaignSnapshot, nowMs: number): CampaignSnapshot {
  const created = new Map<string, Campaign>();
  for (const [id, campaign] of campaigns) {
    if (campaign.createdAtMs > nowMs) continue;
    const rates = campaign.rates.filter(({ createdAtMs }) => createdAtMs <= nowMs);
    created.set(id, { ...campaign, rates });
  }
  return created;
}

/** A flush after every read. */
function readSettings(recordsMax: number) {
  return {
    readRecordsMax: recordsMax,
    flushBytesMax: 1,
    waitingUsersMax: 1,
    flushIntervalMs: 1,
    readWaitMs: 0,
  };
}

/** Until the log has no more, or somebody else owns the partition. */
async function liveOn(deps: PartitionDeps, settings: PartitionSettings): Promise<void> {
  const never = new AbortController().signal;
  try {
    const reader = await PartitionReader.open(deps, settings, { stopping: never, deadline: never });
    while ((await reader.step()) !== "idle");
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "StaleEpochError") throw error;
  }
}
