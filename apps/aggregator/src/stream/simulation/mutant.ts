import type { BackfillStepDeps } from "../../backfill/pipeline/backfill.ts";
import type { PartitionDeps, PartitionSettings } from "../pipeline/partitionReader.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";

/** A way to break the pipeline that somebody could break it in. */
export interface Mutant {
  readonly name: string;
  /** The seed to begin at, where the first that shows it is far: 1, if not said. */
  readonly from?: number;
  readonly deps?: (deps: PartitionDeps, world: SimulatedWorld) => PartitionDeps;
  readonly settings?: (settings: PartitionSettings) => PartitionSettings;
  readonly backfill?: (deps: BackfillStepDeps, world: SimulatedWorld) => BackfillStepDeps;
}
