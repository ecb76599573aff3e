/** Billing truth: jobs, versions of (advertiser, billing day), the pointer, and the billed lines. */
import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import {
  bigserial,
  boolean,
  char,
  check,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { TakenOver } from "../../queries/heldRows.ts";
import { advertisers } from "./advertisers.ts";
import { big, createdAt, instant, whole } from "./columns.ts";

export const JOB_STATES = [
  "queued",
  "running",
  "published",
  "verified",
  "failed",
  "cancelled",
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** The steps of a job, in their order. */
export const JOB_STEPS = ["pin", "check_objects", "judge", "attribute", "publish"] as const;
export type JobStep = (typeof JOB_STEPS)[number];

/**
 * One recount of one truth partition. `published`: a new version is current. `verified`: it came
 * out as the current one, so nothing was published.
 */
export const batchJobs = pgTable(
  "batch_jobs",
  {
    id: bigserial({ mode: "number" }).primaryKey(),
    advertiserId: text()
      .$type<AdvertiserId>()
      .notNull()
      .references(() => advertisers.id),
    billingDay: date({ mode: "string" }).notNull(),
    state: text().$type<JobState>().notNull().default("queued"),
    /** Why it was asked for, in words that the audit page shows. */
    reason: text().notNull(),
    requestedBy: text().notNull(),
    /** Groups the jobs of one request, so that its progress can be followed. */
    requestId: text().notNull(),
    /**
     * Judges every event itself, by the rules of now: takes over nothing that earlier counts judged, and
     * not the rules that a closed day was judged by.
     */
    full: boolean().notNull().default(false),
    attempts: integer().notNull().default(0),
    /** A running job whose lease is over was left by a dead process and is taken up again. */
    leaseUntil: instant(),
    codeVersion: text(),
    /** SHA-256 of the canonical JSON of everything pinned. */
    inputsHash: char({ length: 64 }),
    /** The pinned inputs but the objects: zone, bounds, campaigns, rates, rule set. */
    inputs: jsonb().$type<unknown>(),
    /** Changes with any campaign or rate that was pinned: a quick look at `inputs`. */
    campaignsHash: text().generatedAlwaysAs(sql`md5(inputs ->> 'campaigns')`),
    /** The same of the rules that were pinned. */
    rulesHash: text().generatedAlwaysAs(sql`md5(inputs ->> 'rules')`),
    /**
     * Rows of the archive by event hour (its start, epoch seconds) as pinned. The archive only ever
     * grows, so that other events of an hour are always another number of rows.
     */
    hourRows: jsonb().$type<Record<string, number>>(),
    /**
     * Of a day with conversions: the clicks of the earlier days that they were credited with, as the
     * `judged_hash` by day, null of a day that was not counted. Another hash makes the day dirty.
     */
    lookback: jsonb().$type<Record<IsoDay, string | null>>(),
    contentHash: char({ length: 64 }),
    /** What a running job is at, and how many slices of the day it has judged. */
    step: text().$type<JobStep>(),
    slicesDone: integer(),
    slicesTotal: integer(),
    /** Milliseconds by step. */
    timings: jsonb().$type<Record<string, number>>(),
    error: text(),
    createdAt: createdAt(),
    startedAt: instant(),
    finishedAt: instant(),
    /** When the rows were deleted of a job that published nothing; null while they may be there. */
    sweptAt: instant(),
  },
  (table) => [
    index("batch_jobs_partition_idx").on(table.advertiserId, table.billingDay, table.id.desc()),
    index("batch_jobs_request_idx").on(table.requestId),
    // At most one waiting job a partition: asking twice does not count twice.
    uniqueIndex("batch_jobs_one_queued_idx")
      .on(table.advertiserId, table.billingDay)
      .where(sql`${table.state} = 'queued'`),
    // One job at a time per partition.
    uniqueIndex("batch_jobs_one_running_idx")
      .on(table.advertiserId, table.billingDay)
      .where(sql`${table.state} = 'running'`),
  ],
);

/** The archive objects that a job pinned, with the hash they must have. */
export const batchJobObjects = pgTable(
  "batch_job_objects",
  {
    jobId: big()
      .notNull()
      .references(() => batchJobs.id, { onDelete: "cascade" }),
    path: text().notNull(),
    sha256: char({ length: 64 }).notNull(),
    rows: big().notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.path] })],
);

/**
 * The slices of a day that a job's build holds, by the inputs that they were judged by: the next count
 * takes over those whose inputs are the same. Written once their rows are.
 */
export const batchJobSlices = pgTable(
  "batch_job_slices",
  {
    jobId: big()
      .notNull()
      .references(() => batchJobs.id, { onDelete: "cascade" }),
    firstHour: instant().notNull(),
    /** All its event hours, as starts in epoch seconds. */
    hours: whole().array().notNull(),
    inputsHash: char({ length: 64 }).notNull(),
    /** The same hash without what follows the hour; null of rows of before. */
    aloneHash: char({ length: 64 }),
    /** Events that it had to judge. */
    events: whole().notNull(),
    /** Where its rows lie: the job's own build, or the version that came out the same. */
    buildId: big().notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.firstHour] })],
);

/** Every version that a truth partition ever had. Rows are never changed nor removed. */
export const truthVersions = pgTable(
  "truth_versions",
  {
    advertiserId: text()
      .$type<AdvertiserId>()
      .notNull()
      .references(() => advertisers.id),
    billingDay: date({ mode: "string" }).notNull(),
    /** From 1, without gaps. */
    version: integer().notNull(),
    /** Also the `build_id` of its rows in ClickHouse: a failed job's rows belong to no version. */
    jobId: big()
      .notNull()
      .references(() => batchJobs.id),
    inputsHash: char({ length: 64 }).notNull(),
    contentHash: char({ length: 64 }).notNull(),
    /**
     * SHA-256 over what was judged, without what was credited: equal hash, the same valid clicks. Null
     * before conversions were credited, when it was the content's.
     */
    judgedHash: char({ length: 64 }),
    /** Clicks by verdict. */
    verdictCounts: jsonb().$type<Record<string, number>>().notNull(),
    costMicros: big().notNull(),
    currency: char({ length: 3 }).notNull(),
    /** Of earlier versions' builds, the hours whose rows are this version's too; all others are its own. */
    takenOver: jsonb().$type<readonly TakenOver[]>().notNull().default([]),
    cause: text().notNull(),
    publishedAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.advertiserId, table.billingDay, table.version] }),
    uniqueIndex("truth_versions_job_idx").on(table.jobId),
    // What was published lately, whose users are counted beside those of other days.
    index("truth_versions_published_idx").on(table.publishedAt),
    check("truth_versions_from_one", sql`${table.version} >= 1`),
  ],
);

/** The pointer: the version that readers see. Flipped in the transaction that adds the version. */
export const truthCurrent = pgTable(
  "truth_current",
  {
    advertiserId: text().$type<AdvertiserId>().notNull(),
    billingDay: date({ mode: "string" }).notNull(),
    version: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.advertiserId, table.billingDay] }),
    foreignKey({
      columns: [table.advertiserId, table.billingDay, table.version],
      foreignColumns: [truthVersions.advertiserId, truthVersions.billingDay, truthVersions.version],
    }),
  ],
);

/** What one campaign costs on one billing day in one version: the smallest thing that is billed. */
export const truthLines = pgTable(
  "truth_lines",
  {
    advertiserId: text().$type<AdvertiserId>().notNull(),
    billingDay: date({ mode: "string" }).notNull(),
    version: integer().notNull(),
    campaignId: text().$type<CampaignId>().notNull(),
    /** Valid clicks: Total Net, what is billed. */
    clicks: big().notNull(),
    /** All clicks but duplicates and test traffic. */
    grossClicks: big().notNull(),
    /** Gross without general invalid traffic. */
    netClicks: big().notNull(),
    duplicateClicks: big().notNull(),
    impressions: big().notNull(),
    conversions: big().notNull(),
    /** Exact distinct users with a valid click. */
    uniqueUsers: big().notNull(),
    costMicros: big().notNull(),
    /** Conversions that were credited to a click. */
    attributedConversions: big().notNull().default(sql`0`),
    /** Their value, micros of the advertiser's currency. A sum of what senders say: it has no bound. */
    attributedValueMicros: numeric({ mode: "bigint" }).notNull().default(sql`0`),
  },
  (table) => [
    primaryKey({
      columns: [table.advertiserId, table.billingDay, table.version, table.campaignId],
    }),
    foreignKey({
      columns: [table.advertiserId, table.billingDay, table.version],
      foreignColumns: [truthVersions.advertiserId, truthVersions.billingDay, truthVersions.version],
    }),
  ],
);
