import { Gauge, type Registry } from "prom-client";
import type { LeaseObserver } from "../ports/leaseObserver.ts";

/** What the observer needs of pino. */
interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface PromLeaseObserver extends LeaseObserver {
  /** Whether this process takes part in the sharing out, holding partitions or standing by. */
  hasJoined(): boolean;
}

const NAME = "trueclick_partitions_held";

/** Turns what becomes of a role's partitions into a metric and log lines. */
export function createPromLeaseObserver(
  registry: Registry,
  role: string,
  logger: Logger,
): PromLeaseObserver {
  const gauge = gaugeOf(registry);
  let joined = false;
  let said = "";
  return {
    hasJoined: () => joined,
    renewed(partitions, share) {
      joined = true;
      gauge.set({ role }, partitions.length);
      const now = partitions.toSorted((a, b) => a - b).join(" ");
      if (now === said) return;
      said = now;
      logger.info({ partitions: now, share }, "partitions held");
    },
    ended: (partition) => logger.info({ partition }, "a partition was given up"),
    failed: (error) => logger.warn({ err: error }, "leases could not be renewed; trying again"),
  };
}

/** Roles of one process share the metric. */
function gaugeOf(registry: Registry): Gauge<"role"> {
  const found = registry.getSingleMetric(NAME);
  if (found instanceof Gauge) return found;
  return new Gauge({
    name: NAME,
    help: "Partitions that this process works on, by role.",
    labelNames: ["role"],
    registers: [registry],
  });
}
