import type { StoredEvent } from "@trueclick/shared/event/stored";
import { MINUTE_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { BASE_MS, blockOf, CAMPAIGNS, HASH_KEY, storedClick } from "../testing/fixtures.ts";
import { CUBES } from "./cubes.ts";
import { initialCheckpoint, PartitionEngine } from "./partitionEngine.ts";

const OTHER_ADS = 20;

// They are read while they are written, and again when that fails.
it("hands cells over as they are then, whenever and however often they are read", () => {
  const limits = { allowedLatenessMs: 10 * MINUTE_MS, openEntriesMax: 1_000 };
  const options = { partition: 0, hashKey: HASH_KEY, ...limits };
  const engine = new PartitionEngine(options, initialCheckpoint(0n));
  const admit = (offset: bigint, lines: readonly Partial<StoredEvent>[]) => {
    const value = blockOf(lines.map((line) => storedClick({ event_time: BASE_MS, ...line })));
    engine.admit({ offset, appendTimeMs: BASE_MS, value }, CAMPAIGNS);
  };
  admit(7n, [{}, {}]);
  const { cells } = engine.takeChanges();
  const others = Array.from({ length: OTHER_ADS }, (_none, ad) => {
    return { event_id: `evt-1000000${ad}`, ad_id: `ad_${ad}` };
  });
  admit(8n, [{}, ...others]);
  engine.takeChanges();
  for (const _again of [1, 2]) {
    const shown = Array.from(cells, ({ clicks, duplicateClicks, version }) => {
      return [clicks, duplicateClicks, version];
    });
    expect(shown).toEqual(Array.from(CUBES, () => [1, 1, 7n]));
    expect(cells.length).toBe(CUBES.length);
  }
});
