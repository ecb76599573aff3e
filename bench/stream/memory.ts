/** Whether the state stays flat over a long run: hours of log time, most of it thrown away again. */
import {
  initialCheckpoint,
  PartitionEngine,
} from "../../apps/aggregator/src/stream/domain/partitionEngine.ts";
import { LATENESS_MS } from "./counters.ts";
import { prepareTraffic } from "./traffic.ts";

const TURNS = 120;
const MINUTE_MS = 60_000;
const EVENTS_A_TURN = 10_000;

/** Lines for the terminal: log minutes, entries and bytes of open windows. */
export function stateOverTime(): string[] {
  const traffic = prepareTraffic({
    ...{ events: EVENTS_A_TURN, partitions: 1 },
    ...{ hotShare: 0, duplicateShare: 0.05 },
  });
  const engine = new PartitionEngine(
    {
      ...{ partition: 0, allowedLatenessMs: LATENESS_MS, openEntriesMax: 8_000_000 },
      hashKey: Int32Array.of(1, 2, 3, 4),
    },
    initialCheckpoint(0n),
  );
  const lines: string[] = [];
  let offset = 0n;
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const block of traffic.blocks) {
      const aheadMs = turn * MINUTE_MS;
      const text = Buffer.from(block.value).toString("latin1");
      const value = Buffer.from(
        text.replaceAll(/"event_time":\d+/g, (field) => {
          return `"event_time":${Number(field.slice(field.indexOf(":") + 1)) + aheadMs}`;
        }),
      );
      engine.admit(
        { offset, appendTimeMs: block.appendTimeMs + aheadMs, value },
        traffic.campaigns,
      );
      offset += 1n;
    }
    engine.takeChanges();
    if (turn % 20 === 19) {
      const { entries, bytes } = engine.held;
      lines.push(`minute ${turn + 1}: ${entries} entries, ${(bytes / 1e6).toFixed(1)} MB`);
    }
  }
  return lines;
}
