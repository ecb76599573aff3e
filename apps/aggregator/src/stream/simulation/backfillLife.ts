import { Backfill, type BackfillStepDeps } from "../../backfill/pipeline/backfill.ts";
import { StoreUnavailableError } from "../ports/faults.ts";
import { CAMPAIGNS, HASH_KEY } from "../testing/fixtures.ts";
import type { Effects } from "./effects.ts";
import type { Mutant } from "./mutant.ts";
import type { Turning } from "./schedule.ts";
import type { SeededRandom } from "./seededRandom.ts";
import { damaged } from "./simulatedArchive.ts";
import { ALLOWED_LATENESS_MS } from "./simulatedTraffic.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";

const ONCE = { gone: () => new StoreUnavailableError("away"), repeatable: false };
const MAY_REPEAT = { ...ONCE, repeatable: true };

export interface BackfillLives {
  readonly world: SimulatedWorld;
  readonly effects: Effects;
  readonly random: SeededRandom;
  readonly mutant: Mutant | undefined;
}

/** Rolls up hours and counts dirty ones again, by the real backfill, until it has crashed. */
export async function liveBackfill(lives: BackfillLives, life: Turning): Promise<void> {
  const { signal } = new AbortController();
  const backfill = new Backfill(depsOf(lives, life));
  while (!life.crashed) await backfill.step(signal);
}

function depsOf(
  { world, effects, random, mutant }: BackfillLives,
  life: Turning,
): BackfillStepDeps {
  const ask = <T>(act: () => Promise<T>) => effects.do(life, act, ONCE);
  const write = (act: () => Promise<void>) => effects.do(life, act, MAY_REPEAT);
  const { log, rollups, hotHours, lines, hotStore, archive, dirtyHours } = world;
  const hours: BackfillStepDeps["rollup"]["hotHours"] = {
    rejects: (...args) => ask(() => hotHours.rejects(...args)),
    streamCells: (...args) => ask(() => hotHours.streamCells(...args)),
    writeCorrections: (...args) => write(() => hotHours.writeCorrections(...args)),
    writeSpans: (...args) => write(() => hotHours.writeSpans(...args)),
    oldestHourMs: () => hotHours.oldestHourMs(),
    rollUp: (...args) => write(() => hotHours.rollUp(...args)),
  };
  const whole: BackfillStepDeps = {
    rollup: {
      ...{ log, hotHours: hours, lines, allowedLatenessMs: ALLOWED_LATENESS_MS },
      rollups: {
        state: () => ask(() => rollups.state()),
        advance: (...args) => write(() => rollups.advance(...args)),
        quarterAdvertisers: () => rollups.quarterAdvertisers(),
      },
    },
    dirtyHours: {
      settleGaps: () => write(() => dirtyHours.settleGaps()),
      open: (...args) => ask(() => dirtyHours.open(...args)),
      archiveFrontier: () => ask(() => dirtyHours.archiveFrontier()),
      recounting: () => dirtyHours.recounting(),
      healed: (hour) => write(() => dirtyHours.healed(hour)),
    },
    heal: {
      archive: {
        partitionsOf: (hourMs) =>
          ask(async () => {
            if (!effects.calm && random.happens(0.05)) throw damaged();
            return archive.partitionsOf(hourMs);
          }),
        read: (...args) => ask(() => archive.read(...args)),
      },
      hotStore: {
        writeCells: (partition, cells) => write(() => hotStore.writeCells(partition, cells)),
        writeUsers: (users) => write(() => hotStore.writeUsers(users)),
        writeRejects: (rejects) => write(() => hotStore.writeRejects(rejects)),
      },
      hotHours: hours,
      campaigns: { snapshotFor: async () => CAMPAIGNS },
      quarterAdvertisers: () => rollups.quarterAdvertisers(),
      engine: { hashKey: HASH_KEY },
    },
    observer: { healed: () => {}, open: () => {}, rolledUp: () => {}, failed: () => {} },
    restMs: 0,
  };
  return mutant?.backfill?.(whole, world) ?? whole;
}
