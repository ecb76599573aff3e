import type { BackfillStepDeps } from "../../backfill/pipeline/backfill.ts";
import type { DirtyHour } from "../../backfill/ports/dirtyHours.ts";
import type { EngineCheckpoint } from "../domain/partitionEngine.ts";
import type { PartitionDeps } from "../pipeline/partitionReader.ts";
import type { Mutant } from "./mutant.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";

/** Ways to break what comes after a gap of the log, or after an owner that was deposed. */
export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: "loses the watermark at a gap",
    from: 55,
    deps: (deps, world) => behindGaps(deps, world, () => ({ watermarkMs: null })),
  },
  {
    name: "goes on behind a gap without the append times of what was lost",
    deps: (deps, world) => behindGaps(deps, world, ({ appendTimeMs }) => ({ appendTimeMs })),
    from: 321,
  },
  {
    name: "writes rows that nobody knows of before",
    deps: (deps) => withCheckpoints(deps, { announce: async () => {} }),
  },
  {
    name: "counts records otherwise that a former owner may have rows of",
    deps: (deps) => {
      const { checkpoints } = deps;
      return withCheckpoints(deps, {
        acquire: async (...args) => {
          const owner = await checkpoints.acquire(...args);
          return { ...owner, announcedOffset: owner.checkpoint.nextOffset };
        },
      });
    },
  },
  {
    name: "takes the start of a log that has lost records for the start of all",
    from: 85,
    deps: (deps) => {
      const { checkpoints } = deps;
      return withCheckpoints(deps, {
        commit: (owner, checkpoint, hoursMs, facts) => {
          const kept = facts === undefined ? undefined : { ...facts, cutHoursMs: [] };
          return checkpoints.commit(owner, checkpoint, hoursMs, kept);
        },
      });
    },
  },
  {
    name: "never comes back to a gap of which the archive lacked something",
    from: 276,
    backfill: (deps) => withDirtyHours(deps, { settleGaps: async () => {} }),
  },
  {
    name: "leaves what was counted of a part of the log where a recount finds nothing",
    from: 60,
    backfill: (deps) => withHotHours(deps, { streamCells: async () => [] }),
  },
  {
    name: "rolls up hours of which a part was lost",
    from: 60,
    backfill: ({ rollup, ...deps }) => {
      const { rollups } = rollup;
      const state = async () => ({ ...(await rollups.state()), brokenMs: null });
      return { ...deps, rollup: { ...rollup, rollups: { ...rollups, state } } };
    },
  },
  {
    name: "keeps the lines of an hour that is counted again",
    backfill: ({ rollup, ...deps }, { lines }) => {
      const write = (hoursMs: readonly number[]) =>
        lines.write(hoursMs.filter((hourMs) => !lines.has(hourMs)));
      const once = {
        write,
        forget: (hoursMs: readonly number[]) => lines.forget(hoursMs),
        missing: (...args: Parameters<typeof lines.missing>) => lines.missing(...args),
        drop: (beforeMs: number) => lines.drop(beforeMs),
      };
      return { ...deps, rollup: { ...rollup, lines: once } };
    },
  },
  {
    name: "counts minutes again that are still open",
    from: 128,
    backfill: (deps) => withBounds(deps, () => Number.MAX_SAFE_INTEGER),
  },
  {
    name: "calls hours healed with a partition of which nothing is counted yet",
    from: 1_625,
    backfill: (deps) => withBounds(deps, (watermarkMs) => watermarkMs ?? 0),
  },
  {
    name: "takes hours up while a partition has no checkpoint",
    from: 3_008_775,
    backfill: (deps) => {
      const none = { partition: -1, nextOffset: 0n, watermarkMs: Number.MAX_SAFE_INTEGER };
      return withHours(deps, ({ bounds, ...hour }) => {
        const missing = deps.rollup.log.partitionCount - bounds.length;
        return { ...hour, bounds: [...bounds, ...Array.from({ length: missing }, () => none)] };
      });
    },
  },
  {
    name: "counts hours again before the archive has come there",
    backfill: (deps) => {
      const { dirtyHours } = deps;
      return withDirtyHours(deps, {
        archiveFrontier: async () => {
          const frontier = await dirtyHours.archiveFrontier();
          return new Map([...frontier.keys()].map((partition) => [partition, END_OF_LOG]));
        },
      });
    },
  },
  {
    name: "takes marks for healed that came while it counted",
    from: 572,
    backfill: (deps) => {
      const { dirtyHours } = deps;
      return withDirtyHours(deps, {
        healed: (hour, facts) => {
          return dirtyHours.healed({ ...hour, seenAt: String(Number.MAX_SAFE_INTEGER) }, facts);
        },
      });
    },
  },
  {
    name: "gives what it counts again the versions of the stream",
    backfill: (deps) => {
      if (deps.heal === null) return deps;
      const { hotStore } = deps.heal;
      const writeCells: typeof hotStore.writeCells = (partition, cells, signal) => {
        const lowered = Array.from(cells, (cell) => ({
          ...cell,
          version: cell.version % BACKFILL_VERSION,
        }));
        return hotStore.writeCells(partition, lowered, signal);
      };
      return { ...deps, heal: { ...deps.heal, hotStore: { ...hotStore, writeCells } } };
    },
  },
  {
    name: "puts no evidence right",
    backfill: (deps) => withHotHours(deps, { writeCorrections: async () => {} }),
  },
];

const END_OF_LOG = 2n ** 61n;
const BACKFILL_VERSION = 2n ** 62n;

function withCheckpoints(
  deps: PartitionDeps,
  other: Partial<PartitionDeps["checkpoints"]>,
): PartitionDeps {
  const { checkpoints } = deps;
  const bound: PartitionDeps["checkpoints"] = {
    acquire: (...args) => checkpoints.acquire(...args),
    commit: (...args) => checkpoints.commit(...args),
    skipExpired: (...args) => checkpoints.skipExpired(...args),
    announce: (...args) => checkpoints.announce(...args),
  };
  return { ...deps, checkpoints: { ...bound, ...other } };
}

/** Changes what a checkpoint is once it was moved past a gap, by what it was before. */
function behindGaps(
  deps: PartitionDeps,
  { checkpoints }: SimulatedWorld,
  change: (before: EngineCheckpoint) => Partial<EngineCheckpoint>,
): PartitionDeps {
  return withCheckpoints(deps, {
    skipExpired: async (owner, startOffset) => {
      const gap = await checkpoints.skipExpired(owner, startOffset);
      const row = checkpoints.rows.get(owner.partition);
      if (row !== undefined) row.checkpoint = { ...row.checkpoint, ...change(owner.checkpoint) };
      return gap;
    },
  });
}

function withDirtyHours(
  deps: BackfillStepDeps,
  other: Partial<BackfillStepDeps["dirtyHours"]>,
): BackfillStepDeps {
  return { ...deps, dirtyHours: { ...deps.dirtyHours, ...other } };
}

/** Says that hours may be counted again up to other watermarks. */
function withBounds(
  deps: BackfillStepDeps,
  other: (watermarkMs: number | null) => number,
): BackfillStepDeps {
  return withHours(deps, (hour) => {
    const bounds = hour.bounds.map(({ watermarkMs, ...bound }) => {
      return { ...bound, watermarkMs: other(watermarkMs) };
    });
    return { ...hour, bounds };
  });
}

function withHours(
  deps: BackfillStepDeps,
  other: (hour: DirtyHour) => DirtyHour,
): BackfillStepDeps {
  const { dirtyHours } = deps;
  return withDirtyHours(deps, {
    open: async (...args) => (await dirtyHours.open(...args)).map(other),
  });
}

function withHotHours(
  deps: BackfillStepDeps,
  other: Partial<BackfillStepDeps["rollup"]["hotHours"]>,
): BackfillStepDeps {
  const hotHours = { ...deps.rollup.hotHours, ...other };
  const heal = deps.heal === null ? null : { ...deps.heal, hotHours };
  return { ...deps, heal, rollup: { ...deps.rollup, hotHours } };
}
