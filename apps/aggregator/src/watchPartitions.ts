import type { TopicReader } from "@trueclick/event-log";
import { SECOND_MS } from "@trueclick/shared/time";
import type { Registry } from "prom-client";
import { delay } from "./delay.ts";
import { roleGauge } from "./roleGauge.ts";

/** How often a topic is asked for its partitions: so long may new ones wait for a reader. */
const LOOK_INTERVAL_MS = 10 * SECOND_MS;
const KNOWN = {
  name: "trueclick_log_partitions",
  help: "Partitions of the topic that a role reads, as far as this process knows.",
};

interface Watch {
  readonly role: string;
  readonly registry: Registry;
  /** What the watch needs of pino. */
  readonly logger: {
    warn(details: object, message: string): void;
    error(details: object, message: string): void;
  };
  readonly intervalMs?: number;
}

/**
 * Looks for partitions that a topic was given, until told to stop, so that they are shared out and
 * read without a restart. A log that is away is asked again; who reads it says so.
 */
export async function watchPartitions(
  reader: TopicReader,
  { role, registry, logger, intervalMs = LOOK_INTERVAL_MS }: Watch,
  stopping: AbortSignal,
): Promise<void> {
  const { topic } = reader;
  const gauge = roleGauge(registry, KNOWN);
  gauge.set({ role }, reader.partitionCount);
  while (!stopping.aborted) {
    await delay(intervalMs, stopping);
    if (stopping.aborted) return;
    const before = reader.partitionCount;
    const partitions = await reader.refreshPartitionCount().catch(() => before);
    gauge.set({ role }, partitions);
    if (partitions > before) {
      const told = { topic, before, partitions };
      logger.warn(told, "the topic was given partitions; they are read from their beginning on");
    }
    if (partitions < before) {
      const told = { topic, before, partitions };
      logger.error(told, "the topic has fewer partitions than it had: it is another one");
    }
  }
}
