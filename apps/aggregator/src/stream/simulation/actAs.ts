/** What a life does to the stores, with what it knows of itself and what is to be known of it. */
import type { CheckpointStore, Ownership } from "../ports/checkpointStore.ts";
import type { Life } from "./schedule.ts";
import type { SimulatedWorld } from "./simulatedStores.ts";

export async function acquireAs(
  life: Life,
  { checkpoints }: SimulatedWorld,
  acquire: () => Promise<Ownership>,
): Promise<Ownership> {
  const owner = await acquire();
  life.epoch = owner.epoch;
  const changes = checkpoints.modes.get(life.partition) ?? [];
  for (const { offsetFrom } of changes) life.knownChanges.add(offsetFrom);
  return owner;
}

/** Of one who is deposed it may matter what it knew: see `doubts.ts`. */
export async function writeAs(
  { partition, epoch, knownChanges }: Life,
  { hotStore, checkpoints }: SimulatedWorld,
  write: () => Promise<void>,
): Promise<void> {
  const isDeposed = checkpoints.rows.get(partition)?.epoch !== epoch;
  hotStore.writer = { epoch, knownChanges, isDeposed };
  await write().finally(() => {
    hotStore.writer = null;
  });
}

export async function commitAs(
  life: Life,
  checkpoints: CheckpointStore,
  args: Parameters<CheckpointStore["commit"]>,
): Promise<void> {
  await checkpoints.commit(...args);
  const change = args[3]?.modeChange ?? null;
  if (change !== null) life.knownChanges.add(change.offsetFrom);
}
