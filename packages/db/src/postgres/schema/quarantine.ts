import type { RejectCode } from "@trueclick/shared/event/rejection";
import type { SourceId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import {
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import { big, instant, recordedAt, whole } from "./columns.ts";

const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => "bytea" });

/** What came of a replay: how many of the item's events were taken, and why the others were not. */
export interface ReplayOutcome {
  readonly accepted: number;
  readonly rejected: readonly { readonly code: string; readonly message: string }[];
}

/**
 * What the edge refused, as the quarantine's topic holds it. Coordinates are the key, so that reading
 * a stretch of the topic again changes nothing. No reference to `sources`: theirs may be gone.
 */
export const quarantineItems = pgTable(
  "quarantine_items",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    offset: big().notNull(),
    receivedAt: instant().notNull(),
    sourceId: text().$type<SourceId>().notNull(),
    code: text().$type<RejectCode>().notNull(),
    message: text().notNull(),
    /** As received, up to what the edge keeps of one item. */
    bytes: bytea().notNull(),
    /** More than `bytes` holds, where it was too large to be kept whole. */
    bytesReceived: integer().notNull(),
    /** Of the connection; null where there was none. The address is not kept. */
    userAgent: text(),
    isPrefetch: boolean().notNull(),
    /** Only once the outcome is known; a replay that died in between is done again. */
    replayedAt: instant(),
    replayOutcome: jsonb().$type<ReplayOutcome>(),
  },
  (table) => [
    primaryKey({ columns: [table.topic, table.partition, table.offset] }),
    index("quarantine_items_received_idx").on(table.receivedAt),
    index("quarantine_items_source_idx").on(table.sourceId, table.receivedAt),
  ],
);

/** How many refused items the edges did not keep, by what they were, where a flood was cut off. */
export const quarantineOverflow = pgTable(
  "quarantine_overflow",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    offset: big().notNull(),
    receivedAt: instant().notNull(),
    sourceId: text().$type<SourceId>().notNull(),
    code: text().$type<RejectCode>().notNull(),
    items: whole().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.topic, table.partition, table.offset] }),
    index("quarantine_overflow_received_idx").on(table.receivedAt),
  ],
);

/** How far the quarantine's topic has been read; written with the rows. */
export const quarantineCheckpoints = pgTable(
  "quarantine_checkpoints",
  {
    topic: text().notNull(),
    partition: integer().notNull(),
    nextOffset: big().notNull(),
    /** Things that the records before it say were refused, kept or not: what retention deletes stays counted. */
    refusedTotal: big().notNull().default(sql`0`),
    updatedAt: recordedAt(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.partition] })],
);
