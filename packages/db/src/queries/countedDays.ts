import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, gte, inArray, sql } from "drizzle-orm";
import { batchJobs } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";

/** What is known of the jobs of one truth partition. */
export interface CountedDay {
  /** When the newest of them, good or bad, was begun, epoch milliseconds. */
  readonly lookedAtMs: number;
  /** What the last one that came to a good end had pinned; null when none did. */
  readonly counted: {
    /** Rows by event hour, its start in epoch milliseconds; null when they were not noted. */
    readonly hourRows: ReadonlyMap<number, number> | null;
    readonly campaignsHash: string | null;
    readonly rulesHash: string | null;
    readonly codeVersion: string | null;
    /** What its conversions were credited by, as `batch_jobs.lookback`; null of a day without any. */
    readonly lookback: Readonly<Record<IsoDay, string | null>> | null;
  } | null;
}

/** By advertiser, then by day. */
export type CountedDays = ReadonlyMap<AdvertiserId, ReadonlyMap<IsoDay, CountedDay>>;

/** The jobs of a scope's days from the one of an instant on, whatever zone it is meant in. */
export async function countedDays(
  { db }: { readonly db: Pick<Stores["db"], "select" | "selectDistinctOn"> },
  scope: TenantScope,
  sinceMs: number,
): Promise<CountedDays> {
  const { advertiserId, billingDay, id } = batchJobs;
  const inScope = and(
    tenantWhere(scope, advertiserId),
    gte(billingDay, new Date(sinceMs).toISOString().slice(0, 10)),
  );
  const looked = await db
    .select({
      advertiserId,
      billingDay,
      lookedAtMs: sql`max(extract(epoch from
        coalesce(${batchJobs.startedAt}, ${batchJobs.createdAt})) * 1000)`.mapWith(Number),
    })
    .from(batchJobs)
    .where(inScope)
    .groupBy(advertiserId, billingDay);
  const ended = await db
    .selectDistinctOn([advertiserId, billingDay], {
      advertiserId,
      billingDay,
      hourRows: batchJobs.hourRows,
      campaignsHash: batchJobs.campaignsHash,
      rulesHash: batchJobs.rulesHash,
      codeVersion: batchJobs.codeVersion,
      lookback: batchJobs.lookback,
    })
    .from(batchJobs)
    .where(and(inScope, inArray(batchJobs.state, ["published", "verified"])))
    .orderBy(advertiserId, billingDay, sql`${id} desc`);

  const endedOf = new Map(ended.map((row) => [`${row.billingDay}/${row.advertiserId}`, row]));
  const byAdvertiser = Map.groupBy(looked, (row) => row.advertiserId);
  return new Map(
    [...byAdvertiser].map(([advertiser, rows]) => [
      advertiser,
      new Map(
        rows.map((row) => {
          const last = endedOf.get(`${row.billingDay}/${advertiser}`);
          const counted = last === undefined ? null : toCounted(last);
          return [row.billingDay, { lookedAtMs: row.lookedAtMs, counted }];
        }),
      ),
    ]),
  );
}

type PinnedColumns = "hourRows" | "campaignsHash" | "rulesHash" | "codeVersion" | "lookback";

function toCounted({
  hourRows,
  campaignsHash,
  rulesHash,
  codeVersion,
  lookback,
}: Pick<typeof batchJobs.$inferSelect, PinnedColumns>) {
  const rows = Object.entries(hourRows ?? {});
  const byHour = new Map(rows.map(([seconds, count]) => [Number(seconds) * SECOND_MS, count]));
  const judgedBy = { campaignsHash, rulesHash, codeVersion, lookback };
  return { hourRows: hourRows === null ? null : byHour, ...judgedBy };
}
