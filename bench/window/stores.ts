/** Postgres for the checkpoints and ClickHouse for the counts, with the traffic's campaigns. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import { CPC_MICROS, prepareTraffic } from "../stream/traffic.ts";
import { type Count, digestOf } from "./digest.ts";

export interface WindowStores {
  readonly databaseUrl: string;
  readonly clickhouseUrl: string;
  /** Of all that is counted in the hot store. */
  digest(): Promise<string>;
  stop(): Promise<void>;
}

const row = z.object({
  key: z.string(),
  clicks: z.coerce.number(),
  impressions: z.coerce.number(),
  cost_micros: z.coerce.number(),
});

const COUNTS = `
  SELECT concat(cube, '/', campaign_id, '/', toString(toUnixTimestamp(window_start)), '/', dimension_value) AS key,
    sum(clicks) AS clicks, sum(impressions) AS impressions, sum(cost_micros) AS cost_micros
  FROM hot_minutes FINAL GROUP BY key`;

export async function startStores(): Promise<WindowStores> {
  const dir = await mkdtemp(join(tmpdir(), "trueclick-bench-"));
  const log = () => {};
  const [postgres, engine] = await Promise.all([
    startEmbeddedPostgres({ dataDir: join(dir, "postgres"), port: 0, password: "bench", log }),
    startClickHouse({ dataDir: join(dir, "clickhouse"), port: 0, log }),
  ]);
  await migratePostgres(postgres.url);
  await addCampaigns(postgres.url);
  const clickhouse = openClickHouse(engine.url);
  await migrateClickHouse(clickhouse);
  return {
    databaseUrl: postgres.url,
    clickhouseUrl: engine.url,
    async digest() {
      const answer = await clickhouse.query({ query: COUNTS, format: "JSONEachRow" });
      const rows = z.array(row).parse(await answer.json());
      const counts = rows.map(({ key, clicks, impressions, cost_micros }): [string, Count] => {
        return [key, { clicks, impressions, costMicros: cost_micros }];
      });
      return digestOf(counts);
    },
    async stop() {
      await clickhouse.close();
      await Promise.all([postgres.stop(), engine.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function addCampaigns(databaseUrl: string): Promise<void> {
  const { db, close } = openDatabase(databaseUrl, { connectionsMax: 1 });
  const { campaigns: all } = prepareTraffic({
    ...{ events: 1, partitions: 1, hotShare: 0, duplicateShare: 0 },
  });
  const createdAt = new Date(0);
  const zone = { timeZone: "UTC", currency: "EUR" };
  const owners = new Set([...all.values()].map(({ advertiserId }) => advertiserId));
  await db.insert(advertisers).values(
    [...owners].map((owner) => {
      return { id: advertiserIdSchema.parse(owner), name: owner, ...zone };
    }),
  );
  const ids = [...all].map(([id, { advertiserId }]) => {
    return { id: campaignIdSchema.parse(id), advertiserId };
  });
  await db.insert(campaigns).values(ids.map((campaign) => ({ ...campaign, name: "", createdAt })));
  const rate = { effectiveFrom: createdAt, cpcMicros: CPC_MICROS, createdAt };
  await db.insert(rateCards).values(ids.map(({ id }) => ({ campaignId: id, ...rate })));
  await close();
}
