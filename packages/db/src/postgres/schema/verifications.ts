/** Versions of truth that somebody wants to see counted again from the archive. */
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import {
  bigserial,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  text,
} from "drizzle-orm/pg-core";
import { createdAt } from "./columns.ts";
import { workColumns } from "./rules.ts";
import { truthVersions } from "./truth.ts";

export const verifications = pgTable(
  "verifications",
  {
    id: bigserial({ mode: "number" }).primaryKey(),
    advertiserId: text().$type<AdvertiserId>().notNull(),
    billingDay: date({ mode: "string" }).notNull(),
    version: integer().notNull(),
    /** Of one line; null: of the whole partition. */
    campaignId: text().$type<CampaignId>(),
    ...workColumns(),
    /** What was checked and what came of it, as the runner writes it. */
    result: jsonb().$type<unknown>(),
    requestedBy: text().notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({
      columns: [table.advertiserId, table.billingDay, table.version],
      foreignColumns: [truthVersions.advertiserId, truthVersions.billingDay, truthVersions.version],
    }),
    // What came of a version last.
    index("verifications_version_idx").on(
      table.advertiserId,
      table.billingDay,
      table.version,
      table.id,
    ),
    // What waits or runs, of which there is little.
    index("verifications_open_idx")
      .on(table.id)
      .where(sql`${table.state} in ('queued', 'running')`),
    // What is old enough to be forgotten.
    index("verifications_finished_idx").on(table.finishedAt),
  ],
);
