import type { Database } from "@trueclick/db/postgres/database";
import { delay } from "../delay.ts";
import { createPostgresLeaseStore } from "./adapters/postgresLeaseStore.ts";
import type { LeaseGroup } from "./pipeline/holdPartitions.ts";
import type { LeaseObserver } from "./ports/leaseObserver.ts";

/** This process among others that play the same roles. */
export interface ProcessIdentity {
  /** New at every start of a process. */
  readonly member: string;
  /** `AGGREGATOR_INSTANCE`. */
  readonly instance: string | null;
  /** `LEASE_MS`. */
  readonly leaseMs: number;
}

/** Renewals within the life of a lease: that many may fail before somebody else may take over. */
const RENEWALS = 8;

/** The sharing out of the partitions of one topic among the processes that play one role. */
export function composeLeases(
  db: Database,
  { member, instance, leaseMs }: ProcessIdentity,
  role: { readonly name: string; readonly topic: string; readonly partitionCount: number },
  observer: LeaseObserver,
): LeaseGroup {
  const { partitionCount } = role;
  const group = `${role.name}:${role.topic}`;
  const store = createPostgresLeaseStore(db, { group, member, instance, partitionCount, leaseMs });
  return {
    ...{ store, member, partitionCount, observer, delay },
    renewIntervalMs: leaseMs / RENEWALS,
  };
}
