/**
 * What a restart costs: the open windows are built again from the restart offset on, before anything
 * new is counted. Reading the log is not in it.
 */
import {
  initialCheckpoint,
  PartitionEngine,
} from "../../apps/aggregator/src/stream/domain/partitionEngine.ts";
import type { Contestant } from "../harness/rounds.ts";
import { LATENESS_MS } from "./counters.ts";
import { cpuSeconds } from "./cpuTime.ts";
import type { Traffic } from "./traffic.ts";

const OPTIONS = {
  ...{ partition: 0, allowedLatenessMs: LATENESS_MS, openEntriesMax: 8_000_000 },
  hashKey: Int32Array.of(1, 2, 3, 4),
};

/** @param traffic Of one partition, all of whose windows are still open at its end. */
export function restartContestant(traffic: Traffic): Contestant {
  const former = new PartitionEngine(OPTIONS, initialCheckpoint(0n));
  for (const block of traffic.blocks) former.admit(block, traffic.campaigns);
  const checkpoint = former.checkpoint();
  const entries = former.held.entries;
  return {
    name: "building open windows again",
    run: async () => {
      const startedS = cpuSeconds();
      const next = new PartitionEngine(OPTIONS, checkpoint);
      for (const block of traffic.blocks) {
        if (block.offset >= checkpoint.restartOffset) next.admit(block, traffic.campaigns);
      }
      const seconds = cpuSeconds() - startedS;
      if (next.held.entries !== entries) throw new Error("The windows are not what they were");
      return { cpu_s_per_million_events: (seconds * 1e6) / traffic.events };
    },
  };
}
