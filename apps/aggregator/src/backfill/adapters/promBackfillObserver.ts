import { Counter, Gauge, type Registry } from "prom-client";
import type { BackfillObserver } from "../pipeline/backfill.ts";

/** What the observer needs of pino. */
interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Turns what the backfill does into metrics and log lines. */
export function createPromBackfillObserver(registry: Registry, logger: Logger): BackfillObserver {
  const registers = [registry];
  const healed = new Counter({
    name: "trueclick_backfill_hours_total",
    help: "Hours of the hot store that were counted again from the archive, by cause.",
    labelNames: ["cause"],
    registers,
  });
  const corrected = new Counter({
    name: "trueclick_backfill_corrected_events_total",
    help: "Events of which a backfill found other than the stream.",
    registers,
  });
  const open = new Gauge({
    name: "trueclick_backfill_open_hours",
    help: "Hours that wait to be counted again.",
    registers,
  });
  const failures = new Counter({
    name: "trueclick_backfill_failures_total",
    help: "Steps that failed and are tried again.",
    labelNames: ["step"],
    registers,
  });
  return {
    healed(hour, facts) {
      for (const cause of hour.causes) healed.inc({ cause });
      corrected.inc(facts.corrected);
      const at = { hour: new Date(hour.hourMs).toISOString(), causes: hour.causes };
      logger.info({ ...at, ...facts }, "an hour was counted again from the archive");
    },
    open: (hours) => open.set(hours),
    rolledUp: () => logger.info({}, "hours were rolled up"),
    failed(step, error) {
      failures.inc({ step });
      logger.warn({ step, err: error }, "a backfill failed; trying again");
    },
  };
}
