import type { PartitionDeps, PartitionSettings } from "../pipeline/partitionReader.ts";
import type { SimulatedWorld } from "./simulatedStores.ts";

/** A way to break the pipeline that somebody could break it in. */
export interface Mutant {
  readonly name: string;
  readonly deps?: (deps: PartitionDeps, world: SimulatedWorld) => PartitionDeps;
  readonly settings?: (settings: PartitionSettings) => PartitionSettings;
}
