/** The demo generator's traffic as the edge would append it, and what must come of it. */

import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { type EventLogAppender, LogUnavailableError } from "@trueclick/event-log";
import { partitionOf } from "@trueclick/event-log/partition";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import type { LedgerEntry } from "../../apps/cli/src/demo/domain/ledger.ts";
import { expectedFromLedger } from "../../apps/cli/src/demo/domain/oracle.ts";
import {
  catalogueOf,
  DEMO_ADVERTISERS,
  DEMO_PUBLISHERS,
} from "../../apps/cli/src/demo/domain/organisation.ts";
import { type TrafficCatalogue, TrafficGenerator } from "../../apps/cli/src/demo/domain/traffic.ts";

const MIX = { duplicates: 0.05, robots: 0.04, malformed: 0, tests: 0.002, late: 0.03 };
const BATCH_EVENTS = 4_000;
const BLOCK_EVENTS_MAX = 500;
const CPC_MICROS = 250_000n;

/** Every demo campaign, one of them as busy as all others together. */
const CATALOGUE: TrafficCatalogue = {
  campaigns: DEMO_ADVERTISERS.flatMap((advertiser) => catalogueOf(advertiser).campaigns).map(
    ({ id, adIds }, at, all) => ({ id, adIds, share: at === 0 ? all.length - 1 : 1 }),
  ),
  publisherIds: [...DEMO_PUBLISHERS],
  geos: ["DE", "DE", "NP", "US", "AU"],
};

/** Lays the demo's advertisers and campaigns down, known since ever, at one rate. */
export async function seedCampaigns(db: Database): Promise<void> {
  const createdAt = new Date(0);
  for (const advertiser of DEMO_ADVERTISERS) {
    const advertiserId = advertiserIdSchema.parse(advertiser.id);
    const { name, timeZone, currency } = advertiser;
    await db.insert(advertisers).values({ id: advertiserId, name, timeZone, currency });
    for (const campaign of advertiser.campaigns) {
      const campaignId = campaignIdSchema.parse(campaign.id);
      const row = { id: campaignId, advertiserId, name: campaign.name, createdAt };
      await db.insert(campaigns).values(row);
      const rate = { campaignId, effectiveFrom: createdAt, cpcMicros: CPC_MICROS, createdAt };
      await db.insert(rateCards).values(rate);
    }
  }
}

/** Counts of one campaign. */
export interface Totals {
  readonly clicks: number;
  readonly robots: number;
  readonly impressions: number;
  readonly conversions: number;
  readonly costMicros: number;
}

/** Sends traffic of now, and works out afterwards what must come of it. */
export class FaultTraffic {
  readonly #seed: string;
  readonly #generator: TrafficGenerator;
  /** When each batch was made: enough to make all of them again. */
  readonly #batches: { readonly nowMs: number; readonly events: number }[] = [];

  constructor(seed: string) {
    this.#seed = seed;
    this.#generator = generatorOf(seed);
  }

  /** Appends so many events, each at least once, whatever the log does meanwhile. */
  async send(appender: EventLogAppender, events: number): Promise<void> {
    for (let left = events; left > 0; left -= BATCH_EVENTS) {
      const nowMs = Date.now();
      const batch = { nowMs, events: Math.min(left, BATCH_EVENTS) };
      this.#batches.push(batch);
      const lines = new Map<number, string[]>();
      for (let at = 0; at < batch.events; at += 1) {
        const entry = this.#generator.next(nowMs);
        const partition = partitionOf(entry.event_id, appender.partitionCount);
        const own = lines.get(partition);
        if (own === undefined) lines.set(partition, [storedLine(entry, nowMs)]);
        else own.push(storedLine(entry, nowMs));
      }
      await appendAtLeastOnce(appender, toBlocks(lines));
    }
  }

  /** By the ledger's own oracle, over the same events made once more. */
  expected(): Map<string, Totals> {
    const { byCampaign } = expectedFromLedger(this.#ledger());
    return new Map(
      [...byCampaign].map(([campaign, days]) => {
        const sum = { clicks: 0, robots: 0, impressions: 0, conversions: 0 };
        for (const day of days.values()) {
          sum.clicks += day.valid_clicks;
          sum.robots += day.bot_clicks;
          sum.impressions += day.impressions;
          sum.conversions += day.conversions;
        }
        return [campaign, { ...sum, costMicros: sum.clicks * Number(CPC_MICROS) }];
      }),
    );
  }

  *#ledger(): Generator<LedgerEntry> {
    const generator = generatorOf(this.#seed);
    for (const { nowMs, events } of this.#batches) {
      for (let at = 0; at < events; at += 1) yield generator.next(nowMs);
    }
  }
}

function generatorOf(seed: string): TrafficGenerator {
  return new TrafficGenerator({ seed, catalogue: CATALOGUE, mix: MIX });
}

/** A line as the edge stores it. Robots are told by their user agent, as there. */
function storedLine({ event, event_time, expected }: LedgerEntry, ingestTimeMs: number): string {
  const { ip: _ip, ...fields } = JSON.parse(event);
  const flags = expected === "bot_user_agent" ? ["bot_user_agent"] : [];
  const stamps = { ingest_time: ingestTimeMs, region: "test", source_id: "src_test", flags };
  return JSON.stringify({ ...fields, event_time, ...stamps });
}

function toBlocks(lines: ReadonlyMap<number, readonly string[]>) {
  return [...lines].flatMap(([partition, own]) =>
    Array.from({ length: Math.ceil(own.length / BLOCK_EVENTS_MAX) }, (_none, at) => {
      const some = own.slice(at * BLOCK_EVENTS_MAX, (at + 1) * BLOCK_EVENTS_MAX);
      return { partition, value: Buffer.from(some.join("\n")) };
    }),
  );
}

/** A log that is away took some or none: all of it again, and readers remove the copies. */
async function appendAtLeastOnce(
  appender: EventLogAppender,
  blocks: ReturnType<typeof toBlocks>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await appender.append(blocks);
      return;
    } catch (error) {
      if (!(error instanceof LogUnavailableError) || attempt === APPEND_ATTEMPTS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, APPEND_RETRY_MS));
    }
  }
}

const APPEND_ATTEMPTS_MAX = 120;
const APPEND_RETRY_MS = 500;
