/** What billing must say about a ledger, worked out without any of the code that counts. */
import type { LedgerEntry } from "./ledger.ts";

export interface ExpectedCounts {
  valid_clicks: number;
  duplicate_clicks: number;
  bot_clicks: number;
  test_clicks: number;
  impressions: number;
  conversions: number;
}

export interface ExpectedTotals {
  readonly sent: number;
  /** Refused at the edge; of no campaign. */
  readonly rejected: number;
  /** By campaign, then by day. */
  readonly byCampaign: ReadonlyMap<string, ReadonlyMap<string, Readonly<ExpectedCounts>>>;
}

/** `valid` impressions and conversions count; of clicks also what became of the others is told. */
const CLICK_COUNTS = {
  valid: "valid_clicks",
  duplicate: "duplicate_clicks",
  bot_user_agent: "bot_clicks",
  test: "test_clicks",
} as const;

/**
 * Adds up a ledger.
 *
 * @param dayOf The billing day of an instant in a campaign's zone; by default the day in UTC.
 */
export function expectedFromLedger(
  ledger: Iterable<LedgerEntry>,
  dayOf: (campaignId: string, eventTimeMs: number) => string = (_campaignId, eventTimeMs) =>
    new Date(eventTimeMs).toISOString().slice(0, 10),
): ExpectedTotals {
  const byCampaign = new Map<string, Map<string, ExpectedCounts>>();
  let sent = 0;
  let rejected = 0;
  for (const entry of ledger) {
    sent += 1;
    if (entry.expected === "rejected") {
      rejected += 1;
      continue;
    }
    const days = byCampaign.get(entry.campaign_id) ?? new Map<string, ExpectedCounts>();
    byCampaign.set(entry.campaign_id, days);
    const day = dayOf(entry.campaign_id, entry.event_time);
    const counts = days.get(day) ?? noCounts();
    days.set(day, counts);
    if (entry.event_type === "click") counts[CLICK_COUNTS[entry.expected]] += 1;
    else if (entry.expected === "valid") counts[`${entry.event_type}s`] += 1;
  }
  return { sent, rejected, byCampaign };
}

function noCounts(): ExpectedCounts {
  return {
    valid_clicks: 0,
    duplicate_clicks: 0,
    bot_clicks: 0,
    test_clicks: 0,
    impressions: 0,
    conversions: 0,
  };
}
