import type { PartitionDeps } from "../pipeline/partitionReader.ts";
import type { CheckpointStore } from "../ports/checkpointStore.ts";
import type { Mutant } from "./mutant.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";

/** Every one of these must be noticed: a simulator that finds nothing proves nothing. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "commits the checkpoint before it writes the rows",
    deps: (deps) => {
      const held: (() => Promise<void>)[] = [];
      const { hotStore, checkpoints } = deps;
      return {
        ...deps,
        hotStore: {
          writeCells: async (...args) => {
            held.push(() => hotStore.writeCells(...args));
          },
          writeUsers: async (...args) => {
            held.push(() => hotStore.writeUsers(...args));
          },
          writeRejects: async (...args) => {
            held.push(() => hotStore.writeRejects(...args));
          },
        },
        checkpoints: {
          ...bound(checkpoints),
          commit: async (...args) => {
            const waiting = held.splice(0);
            // Rows of the flush before are written by now; those of this one wait for the next.
            await checkpoints.commit(...args);
            for (const write of waiting.slice(0, -1)) await write();
            held.push(...waiting.slice(-1));
          },
        },
      };
    },
  },
  {
    name: "leaves the watermark out of the checkpoint",
    deps: (deps) => resuming(deps, () => ({ watermarkMs: null, appendTimeMs: null })),
  },
  {
    name: "restarts at the last offset instead of the oldest that a window needs",
    deps: (deps) => resuming(deps, ({ nextOffset }) => ({ restartOffset: nextOffset })),
  },
  {
    name: "does not tell a retry from a first event",
    deps: (deps) => ({ ...deps, log: { ...boundLog(deps), read: readRenamed(deps) } }),
  },
  {
    name: "gives rows a version by when they are written",
    deps: (deps, world) => ({
      ...deps,
      hotStore: {
        writeCells: (partition, cells, signal) => {
          clock.set(world, (clock.get(world) ?? 0n) + 1n);
          const version = clock.get(world) ?? 0n;
          return deps.hotStore.writeCells(
            partition,
            Array.from(cells, (cell) => ({ ...cell, version })),
            signal,
          );
        },
        writeUsers: (...args) => deps.hotStore.writeUsers(...args),
        writeRejects: (...args) => deps.hotStore.writeRejects(...args),
      },
    }),
  },
  {
    name: "hashes users by a key of each process",
    deps: (deps, world) => {
      const { hotStore } = deps;
      clock.set(world, (clock.get(world) ?? 0n) + 1n);
      const salt = Number(clock.get(world));
      return {
        ...deps,
        hotStore: {
          writeCells: (...args) => hotStore.writeCells(...args),
          writeUsers: (users, signal) => {
            const salted = users.map(({ userHashes, ...hour }) => {
              return { ...hour, userHashes: userHashes.map((byte) => byte ^ salt) };
            });
            return hotStore.writeUsers(salted, signal);
          },
          writeRejects: (...args) => hotStore.writeRejects(...args),
        },
      };
    },
  },
  {
    name: "calls an event late one millisecond after its time",
    settings: (settings) => ({ ...settings, allowedLatenessMs: settings.allowedLatenessMs + 1 }),
  },
  {
    name: "lets an owner that was deposed move the checkpoint",
    deps: (deps, { checkpoints }) => ({
      ...deps,
      checkpoints: {
        ...bound(checkpoints),
        commit: async ({ partition }, checkpoint) => {
          const row = checkpoints.rows.get(partition);
          if (row === undefined) return;
          const before = row.checkpoint.nextOffset;
          row.checkpoint = checkpoint;
          checkpoints.noticeMove(partition, before);
        },
      },
    }),
  },
  {
    name: "does not keep how it counts with the checkpoint",
    deps: (deps) => ({
      ...deps,
      checkpoints: {
        ...bound(deps.checkpoints),
        commit: (owner, checkpoint, hoursMs) => deps.checkpoints.commit(owner, checkpoint, hoursMs),
      },
    }),
  },
  {
    name: "keeps what an owner that was deposed decides of counting",
    deps: (deps, { checkpoints }) => ({
      ...deps,
      checkpoints: {
        ...bound(checkpoints),
        commit: async (owner, checkpoint, hoursMs, facts) => {
          const change = facts?.modeChange ?? null;
          const changes = checkpoints.modes.get(owner.partition) ?? [];
          const isKept = changes.some(({ offsetFrom }) => offsetFrom === change?.offsetFrom);
          if (change !== null && !isKept) {
            checkpoints.modes.set(owner.partition, [...changes, change]);
          }
          await checkpoints.commit(owner, checkpoint, hoursMs, facts);
        },
      },
    }),
  },
  {
    name: "goes on behind what the log forgot without a word",
    deps: (deps, { checkpoints }) => ({
      ...deps,
      checkpoints: {
        ...bound(checkpoints),
        acquire: async (partition, bounds) => {
          const owner = await checkpoints.acquire(partition, bounds);
          const { startOffset } = bounds;
          const { nextOffset, restartOffset } = owner.checkpoint;
          const later = (offset: bigint) => (offset > startOffset ? offset : startOffset);
          const moved = { nextOffset: later(nextOffset), restartOffset: later(restartOffset) };
          return { ...owner, checkpoint: { ...owner.checkpoint, ...moved } };
        },
      },
    }),
  },
  {
    name: "counts on behind a gap without those records that windows lack",
    deps: (deps, { checkpoints }) => ({
      ...deps,
      checkpoints: {
        ...bound(checkpoints),
        skipExpired: async (owner, startOffset) => {
          const gap = await checkpoints.skipExpired(owner, startOffset);
          const row = checkpoints.rows.get(owner.partition);
          if (row !== undefined) {
            row.checkpoint = { ...row.checkpoint, restartOffset: row.checkpoint.nextOffset };
          }
          return gap;
        },
      },
    }),
  },
];

const clock = new WeakMap<SimulatedWorld, bigint>();

type Resumed = Awaited<ReturnType<CheckpointStore["acquire"]>>["checkpoint"];

function resuming(deps: PartitionDeps, change: (from: Resumed) => Partial<Resumed>): PartitionDeps {
  const { checkpoints } = deps;
  return {
    ...deps,
    checkpoints: {
      ...bound(checkpoints),
      acquire: async (...args) => {
        const owner = await checkpoints.acquire(...args);
        return { ...owner, checkpoint: { ...owner.checkpoint, ...change(owner.checkpoint) } };
      },
    },
  };
}

function bound(checkpoints: CheckpointStore): CheckpointStore {
  return {
    acquire: (...args) => checkpoints.acquire(...args),
    commit: (...args) => checkpoints.commit(...args),
    skipExpired: (...args) => checkpoints.skipExpired(...args),
    announce: (...args) => checkpoints.announce(...args),
  };
}

function boundLog({ log }: PartitionDeps) {
  return {
    topic: log.topic,
    partitionCount: log.partitionCount,
    offsets: (partition: number) => log.offsets(partition),
    close: () => log.close(),
    release: (records: Parameters<typeof log.release>[0]) => log.release(records),
  };
}

/** Each line under an id of its own. */
function readRenamed({ log }: PartitionDeps): PartitionDeps["log"]["read"] {
  return async (request) => {
    const records = await log.read(request);
    return records.map((record) => {
      const lines = Buffer.from(record.value).toString().split("\n");
      const renamed = lines.map((line, at) =>
        line.replace(/"event_id":"[^"]*"/, `"event_id":"evt-${record.offset}-${at}-renamed"`),
      );
      return { ...record, value: Buffer.from(renamed.join("\n")) };
    });
  };
}
