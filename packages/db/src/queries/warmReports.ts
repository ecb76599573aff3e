/** What a process does before the first report is asked for, so that nobody waits for it. */
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { keptSlices } from "../routing/keptSlices.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { scopeOfCampaigns } from "./campaignOwners.ts";
import { driftFacts } from "./driftFacts.ts";
import { hasHotLines, readHotLines } from "./hotLines.ts";
import { readAhead } from "./hotLinesAhead.ts";
import { reportFacts } from "./reportFacts.ts";

/** An hour that nothing is kept of. */
const RANGE = { fromMs: 0, toMs: HOUR_MS };

/** Reads nothing of anybody. */
const NOBODY: TenantScope = { kind: "advertisers", ids: [] };

const EVERYBODY: TenantScope = { kind: "all" };

/** Drift of one advertiser is asked for otherwise than of several. */
const ONE: TenantScope = { kind: "advertisers", ids: [advertiserIdSchema.parse("nobody")] };
const NO_CAMPAIGN = campaignIdSchema.parse("none");

/**
 * Opens connections and prepares on each what most reports ask: a connection is made, and a statement is
 * prepared on it, by whoever needs it first. Tells nothing and keeps no answer.
 *
 * @param connections At most as many as the pool may hold.
 * @throws whatever the database says. What was opened and prepared by then stays.
 */
export async function warmReports({ db }: Pick<Stores, "db">, connections: number): Promise<void> {
  // Asked at once, each takes a connection of its own.
  const onEach = (ask: () => Promise<unknown>) =>
    Promise.all(Array.from({ length: connections }, ask));
  const asOfMs = null;
  for (const asksHot of [true, false]) {
    await onEach(() => reportFacts({ db }, NOBODY, RANGE, { asksHot, asOfMs }));
    await onEach(() => reportFacts({ db }, EVERYBODY, RANGE, { asksHot, asOfMs }));
  }
  for (const scope of [NOBODY, EVERYBODY]) await onEach(() => keptSlices({ db }, scope, RANGE));
  await onEach(() => scopeOfCampaigns({ db }, EVERYBODY, [NO_CAMPAIGN]));
  const lines = { ...RANGE, bucketsMs: null, byAdvertiser: false, byCampaign: false };
  const asked = { ...lines, campaigns: null, currency: "", rowsMax: 1 };
  await onEach(() => readHotLines({ db }, NOBODY, asked, []));
  await onEach(() => readAhead({ db }, NOBODY, asked));
  await onEach(() => hasHotLines({ db }, NOBODY, RANGE.fromMs));
  for (const campaignId of [undefined, NO_CAMPAIGN]) {
    const drift = { ...RANGE, campaignId, linesMax: 1 };
    await onEach(() => driftFacts({ db }, ONE, drift));
  }
}
