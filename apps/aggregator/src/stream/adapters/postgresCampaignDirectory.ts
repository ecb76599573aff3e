import type { Database } from "@trueclick/db/postgres/database";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { asc, sql } from "drizzle-orm";
import { z } from "zod";
import type { Campaign, CampaignSnapshot, KnownRate } from "../domain/campaigns.ts";
import type { CampaignDirectory } from "../ports/campaignDirectory.ts";
import { toStoreError } from "./postgresFault.ts";

/** What tells that nothing was added: campaigns and rates are added to, never taken from. */
const stateSchema = z.tuple([z.object({ as_of_ms: z.coerce.number(), state: z.string() })]);

interface Loaded {
  /** Everything created by then is in the snapshot, epoch milliseconds of Postgres. */
  readonly asOfMs: number;
  readonly state: string;
  readonly snapshot: CampaignSnapshot;
}

type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];

/**
 * Reads campaigns and rates from Postgres, whole, when a record is newer than what was read last.
 * Of readers that ask at once, one asks Postgres.
 */
export function createPostgresCampaignDirectory(db: Database): CampaignDirectory {
  let loaded: Loaded | null = null;
  let loading: Promise<Loaded> | null = null;

  async function refresh(): Promise<Loaded> {
    try {
      loaded = await db.transaction((tx) => load(tx, loaded));
      return loaded;
    } catch (error) {
      throw toStoreError("read the campaigns", error);
    } finally {
      loading = null;
    }
  }

  return {
    async snapshotFor(appendTimeMs) {
      if (loaded !== null && loaded.asOfMs >= appendTimeMs) return loaded.snapshot;
      // One that is on its way may have looked before this record was appended: look once more.
      if (loading !== null) {
        const { asOfMs, snapshot } = await loading;
        if (asOfMs >= appendTimeMs) return snapshot;
      }
      loading ??= refresh();
      return (await loading).snapshot;
    },
  };
}

async function load(tx: Transaction, last: Loaded | null): Promise<Loaded> {
  // Waits for whoever is adding rows right now, and holds off who would, for the length of this
  // read: a row that commits later is also created later. Without it, a row could appear with a
  // time before `asOfMs`, and a replay would know what we did not.
  await tx.execute(sql`lock table ${campaigns}, ${rateCards} in share mode`);
  const { rows } = await tx.execute(sql`
    select
      floor(extract(epoch from clock_timestamp()) * 1000) as as_of_ms,
      concat_ws('/',
        (select count(*) from ${campaigns}), (select max(created_at) from ${campaigns}),
        (select count(*) from ${rateCards}), (select max(created_at) from ${rateCards})
      ) as state`);
  const [{ as_of_ms: asOfMs, state }] = stateSchema.parse(rows);
  if (last !== null && last.state === state) return { ...last, asOfMs };
  return { asOfMs, state, snapshot: await readSnapshot(tx) };
}

async function readSnapshot(tx: Transaction): Promise<CampaignSnapshot> {
  const rates = new Map<string, KnownRate[]>();
  const cards = await tx.select().from(rateCards).orderBy(asc(rateCards.effectiveFrom));
  for (const card of cards) {
    const rate = {
      effectiveFromMs: card.effectiveFrom.getTime(),
      cpcMicros: card.cpcMicros,
      createdAtMs: card.createdAt.getTime(),
    };
    const known = rates.get(card.campaignId);
    if (known === undefined) rates.set(card.campaignId, [rate]);
    else known.push(rate);
  }

  const snapshot = new Map<string, Campaign>();
  for (const { id, advertiserId, createdAt } of await tx.select().from(campaigns)) {
    snapshot.set(id, {
      advertiserId,
      createdAtMs: createdAt.getTime(),
      rates: rates.get(id) ?? [],
    });
  }
  return snapshot;
}
