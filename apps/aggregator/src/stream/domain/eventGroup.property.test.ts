import type { LogRecord } from "@trueclick/event-log";
import { MINUTE_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { expect, it } from "vitest";
import { HASH_KEY } from "../testing/fixtures.ts";
import { CHANGING_CAMPAIGNS, partitionLog } from "../testing/logArbitrary.ts";
import { ENTRIES_A_LINE } from "./eventGroup.ts";
import { GROUP_LINES } from "./lineColumnsLayout.ts";
import { initialCheckpoint, PartitionEngine } from "./partitionEngine.ts";

const PLENTY = 1_000_000;
const LINE_FEED = Buffer.from("\n");

function countAll(log: readonly LogRecord[], openEntriesMax: number) {
  const options = { partition: 0, allowedLatenessMs: 2 * MINUTE_MS, hashKey: HASH_KEY };
  const engine = new PartitionEngine({ ...options, openEntriesMax }, initialCheckpoint(0n));
  let entriesMost = 0;
  const changes = log.map((record) => {
    engine.admit(record, CHANGING_CAMPAIGNS);
    entriesMost = Math.max(entriesMost, engine.held.entries);
    return engine.takeChanges();
  });
  return { entriesMost, counted: { changes, checkpoint: engine.checkpoint() } };
}

/** Of as many lines as there are, twice over, so that groups end within it. */
function oneBlockOf(log: readonly LogRecord[]): LogRecord[] {
  const appendTimeMs = Math.max(...log.map((record) => record.appendTimeMs));
  const lines = log.flatMap(({ value }) => [value, LINE_FEED]);
  return [{ partition: 0, offset: 0n, appendTimeMs, value: Buffer.concat([...lines, ...lines]) }];
}

// Near its limit of open entries the engine reads line by line, since any of them may close a window.
it("counts in groups what it counts line by line", () => {
  const log = fc.tuple(partitionLog, fc.boolean()).map(([records, isOneBlock]) => {
    return isOneBlock ? oneBlockOf(records) : records;
  });
  fc.assert(
    fc.property(log, (records) => {
      const { counted, entriesMost } = countAll(records, PLENTY);
      expect(entriesMost).toBeLessThan(GROUP_LINES * ENTRIES_A_LINE);
      expect(counted).toEqual(countAll(records, entriesMost + 1).counted);
    }),
    { numRuns: 300 },
  );
});
