import { randomUUID } from "node:crypto";
import type { Database } from "@trueclick/db/postgres/database";
import { composeLeases, type SharedRole } from "../composeLeases.ts";
import type { LeaseGroup } from "../pipeline/holdPartitions.ts";
import type { LeaseObserver } from "../ports/leaseObserver.ts";
import type { LeaseStore } from "../ports/leaseStore.ts";

export const SILENT: LeaseObserver = { renewed: () => {}, ended: () => {}, failed: () => {} };

/** Short, so that tests which kill a holder need not wait long for the next. */
const LEASE_MS = 1_000;

/** Leases in Postgres, for a role that a test runs in its own process. */
export function testLeases(db: Database, role: SharedRole): LeaseGroup {
  const identity = { member: randomUUID(), instance: null, leaseMs: LEASE_MS };
  return composeLeases(db, identity, role, SILENT);
}

/** Leases of somebody who has no rivals. */
export function soleLeases(partitionCount: number): LeaseGroup {
  const all = Array.from({ length: partitionCount }, (_none, at) => at);
  let held: readonly number[] = [];
  const store: LeaseStore = {
    join: async () => {},
    renew: async () => ({ members: ["sole"], held }),
    claim: async (count) => {
      held = all.slice(0, count);
      return held;
    },
    release: async () => {},
    leave: async () => {},
  };
  return {
    ...{ store, member: "sole", observer: SILENT, renewIntervalMs: 1 },
    partitionCount: () => partitionCount,
    delay: (_delayMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
}
