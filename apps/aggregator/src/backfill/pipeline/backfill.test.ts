import { HOUR_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { damaged, SimulatedArchive } from "../../stream/simulation/simulatedArchive.ts";
import { SimulatedHotLines } from "../../stream/simulation/simulatedHotLines.ts";
import {
  SimulatedDirtyHours,
  SimulatedHotHours,
  SimulatedRollups,
} from "../../stream/simulation/simulatedHours.ts";
import { SimulatedLog } from "../../stream/simulation/simulatedLog.ts";
import { SimulatedCheckpointStore } from "../../stream/simulation/simulatedStores.ts";
import { BASE_MS, CAMPAIGNS, HASH_KEY } from "../../stream/testing/fixtures.ts";
import { MemoryHotStore } from "../../stream/testing/memoryStores.ts";
import { Backfill, type BackfillStepDeps } from "./backfill.ts";

/** More than are taken up at once. */
const DAMAGED = 250;
const hourOf = (place: number) => BASE_MS + place * HOUR_MS;

/** A backfill of hours with late events, of which those before `DAMAGED` have a damaged object. */
function worldOf() {
  const log = new SimulatedLog([[]]);
  const archive = new SimulatedArchive(log);
  const checkpoints = new SimulatedCheckpointStore(archive, []);
  const dirtyHours = new SimulatedDirtyHours(checkpoints, archive);
  const hotStore = new MemoryHotStore();
  const hotHours = new SimulatedHotHours(hotStore);
  const lines = new SimulatedHotLines(hotHours);
  const rollups = new SimulatedRollups(checkpoints, dirtyHours, new Set(), BASE_MS);
  const healed: number[] = [];
  const tried: number[] = [];
  const deps: BackfillStepDeps = {
    rollup: { log, rollups, hotHours, lines, allowedLatenessMs: 1 },
    dirtyHours,
    heal: {
      archive: {
        partitionsOf: async (hourMs) => {
          tried.push(hourMs);
          if (hourMs < hourOf(DAMAGED)) throw damaged();
          return archive.partitionsOf(hourMs);
        },
        read: (...args) => archive.read(...args),
      },
      campaigns: { snapshotFor: async () => CAMPAIGNS },
      hotStore,
      hotHours,
      quarterAdvertisers: () => rollups.quarterAdvertisers(),
      engine: { hashKey: HASH_KEY },
    },
    observer: {
      healed: ({ hourMs }) => healed.push(hourMs),
      open: () => {},
      rolledUp: () => {},
      failed: () => {},
    },
    restMs: 0,
  };
  const mark = (hoursMs: readonly number[]) => {
    checkpoints.mark({ partition: 0, cause: "late", hoursMs });
  };
  /** The stream takes the partition on. */
  const acquire = () => checkpoints.acquire(0, { startOffset: 0n, endOffset: 0n });
  return { backfill: new Backfill(deps), acquire, mark, healed, tried };
}

const { signal } = new AbortController();

it("heals hours that are marked behind many which it cannot heal", async () => {
  const { backfill, acquire, mark, healed } = worldOf();
  await acquire();
  mark(Array.from({ length: DAMAGED }, (_none, place) => hourOf(place)));
  expect(await backfill.step(signal)).toBe(false);
  mark([hourOf(DAMAGED)]);
  // Until each of those before it has had one turn; they wait for somebody to mend them.
  for (let step = 0; step < DAMAGED / 10; step += 1) await backfill.step(signal);
  expect(healed).toEqual([hourOf(DAMAGED)]);
  mark([hourOf(DAMAGED + 1)]);
  for (let step = 0; step < DAMAGED / 10; step += 1) await backfill.step(signal);
  expect(healed).toEqual([hourOf(DAMAGED), hourOf(DAMAGED + 1)]);
});

it("tries hours that it could not heal one after the other, again and again", async () => {
  const { backfill, acquire, mark, tried } = worldOf();
  await acquire();
  const hoursMs = Array.from({ length: 25 }, (_none, place) => hourOf(place));
  mark(hoursMs);
  for (let step = 0; step < 5; step += 1) await backfill.step(signal);
  expect(tried).toEqual([...hoursMs, ...hoursMs]);
});

// Its checkpoint was deleted, to count all again: the archive may lack what the mark is of.
it("takes no hour up while a partition has no checkpoint", async () => {
  const { backfill, acquire, mark, healed } = worldOf();
  mark([hourOf(DAMAGED)]);
  await backfill.step(signal);
  expect(healed).toEqual([]);
  await acquire();
  await backfill.step(signal);
  expect(healed).toEqual([hourOf(DAMAGED)]);
});
