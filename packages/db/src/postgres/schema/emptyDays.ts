/** Billing days that have closed without an event of their advertiser. */
import type { AdvertiserId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import {
  bigserial,
  customType,
  date,
  foreignKey,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import { advertisers } from "./advertisers.ts";
import { createdAt, instant, whole } from "./columns.ts";

/** What the archive had read when days were found to be empty: the evidence for all days of one look. */
export const emptyDayLooks = pgTable("empty_day_looks", {
  id: bigserial({ mode: "number" }).primaryKey(),
  topic: text().notNull(),
  /** All that any partition of the log had taken by then was archived. */
  readThrough: instant().notNull(),
  /** By partition, the first offset that was not archived yet. */
  nextOffsets: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
  lookedAt: createdAt(),
});

/**
 * Days of which it was shown that the archive, read past their close, holds no event of the advertiser. A row
 * stays when an event comes all the same: the day is counted then, and is another than was said.
 */
export const emptyDays = pgTable(
  "empty_days",
  {
    advertiserId: text()
      .$type<AdvertiserId>()
      .notNull()
      .references(() => advertisers.id),
    billingDay: date({ mode: "string" }).notNull(),
    lookId: whole().notNull(),
    /** As the look: the day was said to be empty from then on. */
    shownAt: createdAt(),
    /** When a version was published that is not empty; null while there is none. */
    refutedAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.advertiserId, table.billingDay] }),
    foreignKey({ columns: [table.lookId], foreignColumns: [emptyDayLooks.id] }),
    index("empty_days_refuted_idx").on(table.billingDay).where(sql`${table.refutedAt} is not null`),
  ],
);

/** The same days of each advertiser together, for those who ask for what is known now. */
export const emptyDaySpans = pgTable("empty_day_spans", {
  advertiserId: text()
    .$type<AdvertiserId>()
    .primaryKey()
    .references(() => advertisers.id),
  /** As Postgres writes it; refuted ones included. */
  days: customType<{ data: string }>({ dataType: () => "datemultirange" })().notNull(),
});
