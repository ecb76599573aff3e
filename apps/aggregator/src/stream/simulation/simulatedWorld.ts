import type { SimulatedArchive } from "./simulatedArchive.ts";
import type { SimulatedHotLines } from "./simulatedHotLines.ts";
import type { SimulatedDirtyHours, SimulatedHotHours, SimulatedRollups } from "./simulatedHours.ts";
import type { SimulatedLog } from "./simulatedLog.ts";
import type { SimulatedCheckpointStore, SimulatedHotStore } from "./simulatedStores.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";

/** What outlives every process. */
export interface SimulatedWorld {
  readonly records: readonly (readonly SimulatedRecord[])[];
  readonly log: SimulatedLog;
  readonly archive: SimulatedArchive;
  readonly hotStore: SimulatedHotStore;
  readonly hotHours: SimulatedHotHours;
  readonly lines: SimulatedHotLines;
  readonly checkpoints: SimulatedCheckpointStore;
  readonly dirtyHours: SimulatedDirtyHours;
  readonly rollups: SimulatedRollups;
  /** What was seen that must never be, in words. */
  readonly violations: string[];
}
