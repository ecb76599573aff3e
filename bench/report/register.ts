/** What Postgres knows beside the rollups: accounts, keys, versions, how far everybody has read. */
import { createHash } from "node:crypto";
import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { archiveCheckpoints, archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { campaigns } from "@trueclick/db/postgres/schema/campaigns";
import { apiKeys } from "@trueclick/db/postgres/schema/keys";
import { hotRollups, streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import {
  batchJobObjects,
  batchJobs,
  truthCurrent,
  truthLines,
  truthVersions,
} from "@trueclick/db/postgres/schema/truth";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import { z } from "zod";
import {
  ADVERTISERS,
  CAMPAIGNS,
  EVIDENCE_DAYS,
  jobIdOf,
  MINUTE_HOURS,
  PAST_ALL_OFFSETS,
} from "./fill.ts";

export const STAFF_KEY = "tck_staff";
export const TENANT_KEY = "tck_tenant";

const TOPIC = "clicks.raw";
const PARTITIONS = [0, 1];
const HASH = "0".repeat(64);
const ROWS_PER_INSERT = 1_000;

const advertiserAt = (at: number) => advertiserIdSchema.parse(`adv-${String(at).padStart(2, "0")}`);
const range = (length: number) => Array.from({ length }, (_none, at) => at);

/** @param endMs The midnight that the data ends with. */
export async function fillRegister(db: Database, endMs: number, truthDays: number): Promise<void> {
  const createdAt = new Date(endMs - 400 * DAY_MS);
  await db.insert(advertisers).values(
    range(ADVERTISERS).map((at) => {
      const id = advertiserAt(at);
      return { id, name: `Advertiser ${at}`, timeZone: "UTC", currency: "EUR", createdAt };
    }),
  );
  await db.insert(campaigns).values(
    range(CAMPAIGNS).map((at) => ({
      id: campaignIdSchema.parse(`cmp-${String(at).padStart(3, "0")}`),
      advertiserId: advertiserAt(at % ADVERTISERS),
      name: `Campaign ${at}`,
      createdAt,
    })),
  );
  await addKeys(db);
  await addVersions(db, endMs, truthDays);
  await addOffsets(db, endMs, truthDays);
}

async function addKeys(db: Database): Promise<void> {
  const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");
  await db.insert(apiKeys).values([
    { id: "staff", name: "Staff", keySha256: sha256(STAFF_KEY), role: "engineer" },
    {
      ...{ id: "tenant", name: "Tenant", keySha256: sha256(TENANT_KEY), role: "advertiser" },
      advertiserId: advertiserAt(0),
    },
  ]);
}

async function addVersions(db: Database, endMs: number, truthDays: number): Promise<void> {
  const all = range(truthDays).flatMap((day) =>
    range(ADVERTISERS).map((advertiser) => ({
      advertiserId: advertiserAt(advertiser),
      billingDay: new Date(endMs - (truthDays - day) * DAY_MS).toISOString().slice(0, 10),
      jobId: jobIdOf(advertiser, day),
    })),
  );
  for (let start = 0; start < all.length; start += ROWS_PER_INSERT) {
    const some = all.slice(start, start + ROWS_PER_INSERT);
    const audit = { reason: "bench", requestedBy: "bench", requestId: "bench" };
    await db.insert(batchJobs).values(
      some.map(({ jobId, ...day }) => ({
        id: jobId,
        ...day,
        ...audit,
        state: "published" as const,
      })),
    );
    const version = { version: 1, currency: "EUR", cause: "bench", verdictCounts: {} };
    const hashes = { inputsHash: HASH, contentHash: HASH, costMicros: 0n };
    await db
      .insert(truthVersions)
      .values(
        some.map(({ jobId, ...day }) => ({ ...day, ...version, ...hashes, jobId: BigInt(jobId) })),
      );
    await db
      .insert(truthCurrent)
      .values(some.map(({ jobId: _, ...day }) => ({ ...day, version: 1 })));
  }
}

const lineSchema = z.object({
  advertiserId: advertiserIdSchema,
  billingDay: z.string(),
  campaignId: campaignIdSchema,
  clicks: z.coerce.bigint(),
  grossClicks: z.coerce.bigint(),
  netClicks: z.coerce.bigint(),
  duplicateClicks: z.coerce.bigint(),
  impressions: z.coerce.bigint(),
  conversions: z.coerce.bigint(),
  uniqueUsers: z.coerce.bigint(),
  costMicros: z.coerce.bigint(),
});

/** The billed lines, as the batch reads them back from what it has counted. */
export async function fillLines(db: Database, clickhouse: ClickHouseClient): Promise<void> {
  const found = await clickhouse.query({
    query: `
      SELECT advertiser_id AS advertiserId, toString(billing_day) AS billingDay,
        campaign_id AS campaignId,
        sumIf(events, event_type = 'click' AND verdict = 'valid') AS clicks,
        sumIf(events, event_type = 'click' AND verdict != 'duplicate') AS grossClicks,
        sumIf(events, event_type = 'click'
          AND verdict NOT IN ('duplicate', 'bot_user_agent', 'datacenter_ip')) AS netClicks,
        sumIf(events, event_type = 'click' AND verdict = 'duplicate') AS duplicateClicks,
        sumIf(events, event_type = 'impression') AS impressions,
        sumIf(events, event_type = 'conversion') AS conversions,
        uniqExactArray(user_hashes) AS uniqueUsers, sum(cost_micros) AS costMicros
      FROM truth_cube GROUP BY advertiserId, billingDay, campaignId`,
    format: "JSONEachRow",
  });
  const lines = z.array(lineSchema).parse(await found.json());
  for (let start = 0; start < lines.length; start += ROWS_PER_INSERT) {
    const some = lines.slice(start, start + ROWS_PER_INSERT);
    await db.insert(truthLines).values(some.map((line) => ({ ...line, version: 1 })));
  }
  await db.execute(sql`
    update ${truthVersions} version set verdict_counts = jsonb_build_object('valid', (
      select sum(line.clicks) from ${truthLines} line
      where line.advertiser_id = version.advertiser_id and line.billing_day = version.billing_day))`);
  await db.execute(sql`analyze`);
}

/** Everything is archived, counted and rolled up; the last hours are told by minutes. */
async function addOffsets(db: Database, endMs: number, truthDays: number): Promise<void> {
  const nextOffset = PAST_ALL_OFFSETS;
  await db.insert(streamCheckpoints).values(
    PARTITIONS.map((partition) => {
      const read = { nextOffset, restartOffset: nextOffset, watermarkMs: endMs };
      return { topic: TOPIC, partition, epoch: 1n, announcedOffset: nextOffset, ...read };
    }),
  );
  await db
    .insert(archiveCheckpoints)
    .values(PARTITIONS.map((partition) => ({ topic: TOPIC, partition, epoch: 1n, nextOffset })));
  await db
    .insert(hotRollups)
    .values({ topic: TOPIC, rolledThrough: new Date(endMs - MINUTE_HOURS * HOUR_MS) });
  await db.insert(archiveObjects).values(
    range(EVIDENCE_DAYS * 24).flatMap((at) =>
      PARTITIONS.map((partition) => {
        const eventHour = new Date(endMs - (at + 1) * HOUR_MS);
        return {
          ...{
            path: `${eventHour.toISOString()}/${partition}`,
            topic: TOPIC,
            partition,
            eventHour,
          },
          ...{ firstOffset: 0n, lastOffset: nextOffset - 1n, rows: 1n, bytes: 1n, sha256: HASH },
        };
      }),
    ),
  );
  // A job pins the objects of its day.
  const firstDay = truthDays - EVIDENCE_DAYS;
  await db.execute(sql`
    insert into ${batchJobObjects} (job_id, path, sha256, rows)
    select job.id, object.path, object.sha256, object.rows
    from ${batchJobs} job
    join ${archiveObjects} object on object.event_hour >= job.billing_day::timestamp at time zone 'UTC'
      and object.event_hour < (job.billing_day + 1)::timestamp at time zone 'UTC'
    where job.id > ${firstDay * ADVERTISERS}`);
}
