import type { Database } from "@trueclick/db/postgres/database";
import type { EventLogReader } from "@trueclick/event-log";
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

/** What is shared out. */
export interface SharedRole {
  readonly name: string;
  /** Its partitions. They are counted again and again: a topic may be given more. */
  readonly log: Pick<EventLogReader, "topic" | "partitionCount">;
}

/** Renewals within the life of a lease: that many may fail before somebody else may take over. */
const RENEWALS = 8;

/** The sharing out of the partitions of one topic among the processes that play one role. */
export function composeLeases(
  db: Database,
  { member, instance, leaseMs }: ProcessIdentity,
  role: SharedRole,
  observer: LeaseObserver,
): LeaseGroup {
  const group = `${role.name}:${role.log.topic}`;
  const store = createPostgresLeaseStore(db, { group, member, instance, leaseMs });
  const partitionCount = () => role.log.partitionCount;
  return {
    ...{ store, member, partitionCount, observer, delay },
    renewIntervalMs: leaseMs / RENEWALS,
  };
}
