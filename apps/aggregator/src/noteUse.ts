import { noteClickHouseUse, noteProcessorUse } from "@trueclick/db/queries/processorUse";
import type { Stores } from "@trueclick/db/stores";
import { watchProcessorUse } from "@trueclick/shared/process/watchProcessorUse";
import type { Env } from "./env.ts";

/** What this process uses of the processor, and, with the role batch, what the engine does. */
export function noteUse(
  stores: Stores,
  env: Pick<Env, "AGGREGATOR_ROLES" | "CLICKHOUSE_CLUSTER">,
  logger: { warn(details: object, message: string): void },
  signal: AbortSignal,
): Promise<void> {
  // Of a cluster one node would tell of itself alone.
  const asksEngine = env.AGGREGATOR_ROLES.has("batch") && env.CLICKHOUSE_CLUSTER === undefined;
  const onFault = (error: unknown) => {
    logger.warn({ err: error }, "processor time cannot be noted");
  };
  const note = async (cpuMs: number) => {
    await noteProcessorUse(stores, "aggregator", cpuMs);
    if (asksEngine) await noteClickHouseUse(stores).catch(onFault);
  };
  return watchProcessorUse({ note, onFault }, signal);
}
