import { index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/** Who works on which partition of the log, in each role of the aggregator. */
export const partitionLeases = pgTable(
  "partition_leases",
  {
    /** The role and its topic: `stream:clicks.raw`. */
    leaseGroup: text().notNull(),
    partition: integer().notNull(),
    /** A member; null while nobody holds it. */
    holder: text(),
    /** Whoever comes after may claim it. Null while nobody holds it. */
    expiresAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.leaseGroup, table.partition] }),
    // Renewing and releasing ask for what one member holds.
    index("partition_leases_holder_idx").on(table.leaseGroup, table.holder),
  ],
);

/** The processes that share out the partitions of a group. */
export const leaseMembers = pgTable(
  "lease_members",
  {
    leaseGroup: text().notNull(),
    /** New at every start of a process. */
    member: text().notNull(),
    /** What a restart of the process keeps; null where nothing tells it. */
    instance: text(),
    expiresAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.leaseGroup, table.member] })],
);
