/** What truth judges by and people decide: versions of rules, fraud decisions, back-tests. */
import type { AdvertiserId } from "@trueclick/shared/ids";
import type { RuleId, RuleParameters } from "@trueclick/shared/verdict/rules";
import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigserial,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import { advertisers } from "./advertisers.ts";
import { big, createdAt, instant, recordedAt, whole } from "./columns.ts";

/**
 * Versions of rules: rows are added, never changed, and say who added them, when and why. At an
 * instant of event time the highest version that has begun is in force. Version 1 of each rule is
 * seeded by a migration.
 */
export const ruleVersions = pgTable(
  "rule_versions",
  {
    ruleId: text().$type<RuleId>().notNull(),
    /** From 1, without gaps. */
    version: integer().notNull(),
    enabled: boolean().notNull(),
    parameters: jsonb().$type<RuleParameters>().notNull(),
    /** Event time, inclusive. */
    effectiveFrom: instant().notNull(),
    reason: text().notNull(),
    createdBy: text().notNull(),
    createdAt: recordedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.ruleId, table.version] }),
    check("rule_versions_from_one", sql`${table.version} >= 1`),
  ],
);

export const DECISION_ORIGINS = ["manual", "rule", "partner"] as const;
export type DecisionOrigin = (typeof DECISION_ORIGINS)[number];

/**
 * Decisions that events are invalid: those that match every given part of the scope, in a range of
 * event time. Append-only: what revokes a decision is a row of its own, which names it.
 */
export const fraudDecisions = pgTable(
  "fraud_decisions",
  {
    id: bigserial({ mode: "number" }).primaryKey(),
    origin: text().$type<DecisionOrigin>().notNull(),
    /** Whose events; null for those of all advertisers. */
    advertiserId: text()
      .$type<AdvertiserId>()
      .references(() => advertisers.id),
    campaignId: text(),
    adId: text(),
    publisherId: text(),
    userId: text(),
    /** /24 or /48, as the edge stores it. */
    ipNet: text(),
    eventId: text(),
    /** Event time, inclusive. */
    fromAt: instant(),
    /** Event time, exclusive. */
    toAt: instant(),
    reason: text().notNull(),
    /** The decision that this row takes back; such a row has no scope. */
    revokes: whole()
      .unique()
      .references((): AnyPgColumn => fraudDecisions.id),
    createdBy: text().notNull(),
    createdAt: recordedAt(),
  },
  (table) => [
    // A job asks for those whose range meets its day.
    index("fraud_decisions_range_idx").on(table.toAt, table.fromAt),
    check(
      "fraud_decisions_scope",
      sql`(${table.revokes} is null) = (${table.fromAt} is not null and ${table.toAt} > ${table.fromAt}
        and num_nonnulls(${table.campaignId}, ${table.adId}, ${table.publisherId}, ${table.userId},
          ${table.ipNet}, ${table.eventId}) > 0)`,
    ),
  ],
);

/** Of what the batch works off beside its jobs. */
export type TrialState = "queued" | "running" | "done" | "failed";

/** Builds of back-tests and verifications whose rows may be in the engine; gone with their rows. */
export const backtestBuilds = pgTable("backtest_builds", {
  /** Numbered as jobs are, and never one of theirs. */
  buildId: big().primaryKey(),
  advertiserId: text()
    .$type<AdvertiserId>()
    .notNull()
    .references(() => advertisers.id),
  billingDay: date({ mode: "string" }).notNull(),
  createdAt: createdAt(),
});

/** Of a queue of works: what says whether one waits, is worked on, or has ended. */
export const workColumns = () => ({
  state: text().$type<TrialState>().notNull().default("queued"),
  /**
   * A running one whose lease is over was left by a dead process and is begun again. One that waits
   * after an error waits until then.
   */
  leaseUntil: instant(),
  /** How often it was taken up: what a worker writes is fenced by the number it was given. */
  attempts: integer().notNull().default(0),
  /** Of these, those that ended with an error or whose process died. */
  failures: integer().notNull().default(0),
  error: text(),
  finishedAt: instant(),
});

/** Trials of a rule that is not in force: what the days of a range would have cost under it. */
export const backtests = pgTable(
  "backtests",
  {
    id: bigserial({ mode: "number" }).primaryKey(),
    ruleId: text().$type<RuleId>().notNull(),
    enabled: boolean().notNull(),
    parameters: jsonb().$type<RuleParameters>().notNull(),
    /** Null: all advertisers. */
    advertiserId: text()
      .$type<AdvertiserId>()
      .references(() => advertisers.id),
    /** Billing days, both inclusive. */
    fromDay: date({ mode: "string" }).notNull(),
    toDay: date({ mode: "string" }).notNull(),
    ...workColumns(),
    partitionsDone: integer().notNull().default(0),
    partitionsTotal: integer(),
    /** By advertiser and campaign what it would change, as the runner writes it. */
    result: jsonb().$type<unknown>(),
    requestedBy: text().notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    // What waits or runs, of which there is little.
    index("backtests_open_idx").on(table.id).where(sql`${table.state} in ('queued', 'running')`),
  ],
);
