/** What a process does before the first report is asked for, so that nobody waits for it. */
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { keptSlices } from "../routing/keptSlices.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { countAdvertisers, namesOf } from "./advertisers.ts";
import { scopeOfCampaigns } from "./campaignOwners.ts";
import { driftFacts } from "./driftFacts.ts";
import { hasHotLines, readHotLines } from "./hotLines.ts";
import { readAhead } from "./hotLinesAhead.ts";
import { reportFacts } from "./reportFacts.ts";

/** Postgres plans a statement for the very values of its first five times; then for any, if that is no dearer. */
const TIMES = 6;

/** An hour that nothing is kept of. */
const RANGE = { fromMs: 0, toMs: HOUR_MS };

const EVERYBODY: TenantScope = { kind: "all" };

/** One advertiser is asked for otherwise than several. */
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
  const onEach = async (ask: () => Promise<unknown>) => {
    for (let time = 0; time < TIMES; time += 1) {
      await Promise.all(Array.from({ length: connections }, ask));
    }
  };
  const asOfMs = null;
  for (const asksHot of [true, false]) {
    await onEach(() => reportFacts({ db }, ONE, RANGE, { asksHot, asOfMs }));
    await onEach(() => reportFacts({ db }, EVERYBODY, RANGE, { asksHot, asOfMs }));
  }
  for (const scope of [ONE, EVERYBODY]) {
    await onEach(() => keptSlices({ db }, scope, RANGE));
    await onEach(() => namesOf({ db }, scope, { campaignIds: [NO_CAMPAIGN], adIds: [] }));
  }
  await onEach(() => countAdvertisers({ db }, ONE));
  await onEach(() => scopeOfCampaigns({ db }, EVERYBODY, [NO_CAMPAIGN]));
  const lines = { ...RANGE, bucketsMs: null, byAdvertiser: false, byCampaign: false };
  const asked = { ...lines, campaigns: null, currency: "", rowsMax: 1 };
  await onEach(() => readHotLines({ db }, ONE, asked, []));
  await onEach(() => readAhead({ db }, ONE, asked));
  await onEach(() => hasHotLines({ db }, ONE, RANGE.fromMs));
  for (const campaignId of [undefined, NO_CAMPAIGN]) {
    const drift = { ...RANGE, campaignId, linesMax: 1 };
    await onEach(() => driftFacts({ db }, ONE, drift));
  }
}
