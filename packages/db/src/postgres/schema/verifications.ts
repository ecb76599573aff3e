/** Versions of truth that somebody wants to see counted again from the archive. */
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { bigserial, date, foreignKey, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { createdAt, instant } from "./columns.ts";
import type { TrialState } from "./rules.ts";
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
    state: text().$type<TrialState>().notNull().default("queued"),
    /** A running one whose lease is over was left by a dead process and is begun again. */
    leaseUntil: instant(),
    /** What was checked and what came of it, as the runner writes it. */
    result: jsonb().$type<unknown>(),
    error: text(),
    requestedBy: text().notNull(),
    createdAt: createdAt(),
    finishedAt: instant(),
  },
  (table) => [
    foreignKey({
      columns: [table.advertiserId, table.billingDay, table.version],
      foreignColumns: [truthVersions.advertiserId, truthVersions.billingDay, truthVersions.version],
    }),
  ],
);
