import type { Registry } from "prom-client";
import { roleGauge } from "../../roleGauge.ts";
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

const HELD = {
  name: "trueclick_partitions_held",
  help: "Partitions that this process works on, by role.",
};

/** Turns what becomes of a role's partitions into a metric and log lines. */
export function createPromLeaseObserver(
  registry: Registry,
  role: string,
  logger: Logger,
): PromLeaseObserver {
  const gauge = roleGauge(registry, HELD);
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
