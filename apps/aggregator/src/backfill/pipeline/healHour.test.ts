import { HOUR_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { SimulatedHotHours } from "../../stream/simulation/simulatedHours.ts";
import {
  BASE_MS,
  blockOf,
  CAMPAIGNS,
  HASH_KEY,
  storedClick,
} from "../../stream/testing/fixtures.ts";
import { MemoryHotStore } from "../../stream/testing/memoryStores.ts";
import { type HealDeps, healHour } from "./healHour.ts";

/** An archive that has one click of partition 1 at `BASE_MS`. */
function worldOf() {
  const hotStore = new MemoryHotStore();
  const block = {
    offset: 3n,
    appendTimeMs: BASE_MS,
    indexes: [0],
    value: blockOf([storedClick()]),
  };
  const deps: HealDeps = {
    archive: {
      partitionsOf: async () => [{ partition: 1, rows: 1, paths: [] }],
      read: async () => [block],
    },
    campaigns: { snapshotFor: async () => CAMPAIGNS },
    hotStore,
    hotHours: new SimulatedHotHours(hotStore),
    quarterAdvertisers: async () => new Set(),
    engine: { hashKey: HASH_KEY },
  };
  return { deps, hotStore };
}

const HOUR = { hourMs: BASE_MS, causes: ["late"], seenAt: "0" };
const { signal } = new AbortController();

// Somebody has deleted checkpoints to count all again. The hour may be marked for events that the log has
// lost by now: called healed without them, nobody would mark it again.
it.each([
  ["has no checkpoint", { partition: 0, nextOffset: 9n, watermarkMs: BASE_MS + HOUR_MS }],
  ["has counted nothing yet", { partition: 1, nextOffset: 9n, watermarkMs: null }],
])("heals no hour while a partition that is archived %s", async (_state, bound) => {
  const { deps, hotStore } = worldOf();
  const healing = healHour(deps, { ...HOUR, bounds: [bound] }, signal);
  await expect(healing).rejects.toThrow("Partition 1 is archived and not counted yet");
  expect(hotStore.cells.size).toBe(0);
});

it("heals it once every partition is counted past it", async () => {
  const { deps, hotStore } = worldOf();
  const bound = { partition: 1, nextOffset: 9n, watermarkMs: BASE_MS + HOUR_MS };
  expect(await healHour(deps, { ...HOUR, bounds: [bound] }, signal)).toMatchObject({ events: 1 });
  expect(hotStore.cells.size).toBe(4);
});
