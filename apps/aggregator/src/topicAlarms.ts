import { SECOND_MS } from "@trueclick/shared/time";
import type { Registry } from "prom-client";
import { roleGauge } from "./roleGauge.ts";
import type { TopicObserver } from "./sameTopic.ts";

const REPLACED = {
  name: "trueclick_log_topic_replaced",
  help: "1 where the topic is another one than was read before, under the same name. It is not read.",
};
const PRODUCER_TIMES = {
  name: "trueclick_log_producer_times",
  help: "1 where the topic keeps its producers' times, and is not read until its setting is changed.",
};
const TAKEN = {
  name: "trueclick_log_producer_time_records",
  help: "Records that were read with a time of their producer, which may have moved the watermark.",
};
/** Such records are told of so often; there may be thousands a second. */
const TOLD_EVERY_MS = 60 * SECOND_MS;

/** Turns what is wrong with a topic into metrics and log lines, of one role. */
export function createTopicAlarms(
  registry: Registry,
  role: string,
  logger: { error(details: object, message: string): void },
  nowMs: () => number = () => performance.now(),
): TopicObserver {
  const replaced = roleGauge(registry, REPLACED);
  const producerTimes = roleGauge(registry, PRODUCER_TIMES);
  const taken = roleGauge(registry, TAKEN);
  taken.set({ role }, 0);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return {
    looked(at) {
      replaced.set({ role }, at === "replaced" ? 1 : 0);
      producerTimes.set({ role }, at === "producer_times" ? 1 : 0);
    },
    producerTimes(partition, records) {
      taken.inc({ role }, records);
      if (nowMs() - toldAtMs < TOLD_EVERY_MS) return;
      toldAtMs = nowMs();
      logger.error(
        { partition, records },
        "records bear times of their producers: the topic was set to CreateTime when they came",
      );
    },
  };
}
