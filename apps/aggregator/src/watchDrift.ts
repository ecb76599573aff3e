import type { UnexplainedDrift } from "@trueclick/db/queries/driftWatch";
import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { Gauge, type Registry } from "prom-client";
import { delay } from "./delay.ts";

/** Between two looks of all processes together. */
export const DRIFT_LOOK_INTERVAL_MS = 5 * MINUTE_MS;
/** How often each process asks whether it is time to, and what was found. */
const ASK_INTERVAL_MS = MINUTE_MS;

interface DriftWatch {
  /** Looks at drift, where it is time to and no other process does. */
  readonly look: () => Promise<unknown>;
  /** What all looks have found. */
  readonly read: () => Promise<UnexplainedDrift>;
  readonly registry: Registry;
  /** What the watch needs of pino. */
  readonly logger: {
    warn(details: object, message: string): void;
    error(details: object, message: string): void;
  };
  readonly intervalMs?: number;
}

/**
 * Has drift looked at until told to stop, and alarms where a difference has no cause (invariant I8).
 * Stores that are away are asked again, and the age of the last look tells of it.
 */
export async function watchDrift(
  { look, read, registry, logger, intervalMs = ASK_INTERVAL_MS }: DriftWatch,
  stopping: AbortSignal,
): Promise<void> {
  const alarm = createDriftAlarm(registry, logger);
  while (!stopping.aborted) {
    // What was found before is told even where this look fails.
    await look().catch((error: unknown) => {
      logger.warn({ err: error }, "could not look at drift; trying again");
    });
    await read().then(alarm, (error: unknown) => {
      logger.warn({ err: error }, "could not read what drift was found; trying again");
    });
    await delay(intervalMs, stopping);
  }
}

/** Metrics and log lines. Every process that watches says the same. */
function createDriftAlarm(
  registry: Registry,
  logger: DriftWatch["logger"],
): (found: UnexplainedDrift) => void {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `trueclick_drift_${name}`, help, registers: [registry] });
  const clicks = gauge(
    "unexplained_clicks",
    "Clicks by which stream and truth differ without a cause, in the hours of 35 days. Must be 0.",
  );
  const places = gauge("unexplained_places", "Campaigns and hours with such a difference.");
  const checked = gauge(
    "checked_timestamp_seconds",
    "When a look at drift last came to its end. Should be minutes ago.",
  );
  let toldClicks = 0;
  return (found) => {
    clicks.set(found.clicks);
    places.set(found.places);
    if (found.checkedMs !== null) checked.set(found.checkedMs / SECOND_MS);
    if (found.clicks > 0 && found.clicks !== toldClicks) {
      logger.error(
        { clicks: found.clicks, places: found.places, largest: found.largest },
        "stream and truth differ without a cause: this is an error of ours",
      );
    }
    toldClicks = found.clicks;
  };
}
