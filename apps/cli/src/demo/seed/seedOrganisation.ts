/** Writes the demo organisation. Harmless when repeated: what is there stays as it is. */
import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { ads, campaigns, rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { adIdSchema, advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import type { HistoryRange } from "../domain/history.ts";
import {
  DEMO_ADVERTISERS,
  type DemoAdvertiser,
  type DemoCampaign,
} from "../domain/organisation.ts";

/** All advertisers with their campaigns, ads and rates, in one transaction. */
export async function seedOrganisation(db: Database, history: HistoryRange): Promise<void> {
  await db.transaction(async (transaction) => {
    for (const advertiser of DEMO_ADVERTISERS) {
      await seedAdvertiser(transaction, advertiser, history);
    }
  });
}

async function seedAdvertiser(
  db: Pick<Database, "insert">,
  advertiser: DemoAdvertiser,
  history: HistoryRange,
): Promise<void> {
  const id = advertiserIdSchema.parse(advertiser.id);
  const { name, timeZone, currency } = advertiser;
  // Known before the first record of the past, or the stream would find its campaigns unknown, and
  // its clicks without a price.
  const createdAt = new Date(Date.parse(history.firstDay) - 2 * DAY_MS);
  await db
    .insert(advertisers)
    .values({ id, name, timeZone, currency, createdAt })
    .onConflictDoNothing();
  for (const campaign of advertiser.campaigns) {
    const campaignId = campaignIdSchema.parse(campaign.id);
    await db
      .insert(campaigns)
      .values({
        id: campaignId,
        advertiserId: id,
        name: campaign.name,
        dailyBudgetMicros: campaign.dailyBudgetMicros,
        createdAt,
      })
      .onConflictDoNothing();
    await db
      .insert(ads)
      .values(
        campaign.ads.map((ad) => ({ campaignId, id: adIdSchema.parse(ad.id), name: ad.name })),
      )
      .onConflictDoNothing();
    await db
      .insert(rateCards)
      .values(
        ratesOf(campaign, timeZone, history).map((rate) => ({ campaignId, ...rate, createdAt })),
      )
      .onConflictDoNothing();
  }
}

/** The first rate is in force from before the past; the next from a noon, so within a billing day. */
function ratesOf(campaign: DemoCampaign, timeZone: string, history: HistoryRange) {
  const first = {
    effectiveFrom: new Date(Date.parse(history.firstDay) - 2 * DAY_MS),
    cpcMicros: campaign.cpcMicros,
  };
  if (campaign.nextCpcMicros === undefined) return [first];
  const sixteenth = `${lastMonth(history.toMs, timeZone)}-16`;
  const noonMs = dayBounds(sixteenth, timeZone).fromMs + 12 * HOUR_MS;
  return [first, { effectiveFrom: new Date(noonMs), cpcMicros: campaign.nextCpcMicros }];
}

/** `YYYY-MM` of the month before the one that holds an instant. */
function lastMonth(instantMs: number, timeZone: string): string {
  const firstOfMonth = `${dayOf(instantMs, timeZone).slice(0, 8)}01`;
  return new Date(Date.parse(firstOfMonth) - DAY_MS).toISOString().slice(0, 7);
}
