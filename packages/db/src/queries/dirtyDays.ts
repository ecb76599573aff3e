import {
  dayBounds,
  dayOf,
  daysBetween,
  hoursTouched,
  type InstantRange,
} from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { and, gte, isNull, min, sum } from "drizzle-orm";
import { archiveObjects } from "../postgres/schema/archive.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { type AdvertiserRow, listAdvertisers } from "./advertisers.ts";
import { remembered } from "./billingDays.ts";
import { type CampaignChange, type CampaignChanges, campaignChanges } from "./campaignChanges.ts";
import { type CampaignHours, campaignHours } from "./campaignHours.ts";
import { type CountedDay, type CountedDays, countedDays } from "./countedDays.ts";
import { closesAtMs } from "./finality.ts";
import type { TruthPartition } from "./jobs.ts";
import { isOtherLookback, type JudgedDays, judgedBefore } from "./judgedDays.ts";
import { type RuleChanges, ruleChanges } from "./ruleChanges.ts";

/** A truth partition whose inputs are not those of its last count. */
export interface DirtyDay extends TruthPartition {
  /** The instants of the billing day in the advertiser's zone. */
  readonly bounds: InstantRange;
  /** In words that the audit page shows. */
  readonly why: string;
  /**
   * When somebody last set out to count it; for a day that nobody ever did, when the archive had its
   * first events. Epoch milliseconds.
   */
  readonly lookedAtMs: number;
}

/** Why a day is dirty whose conversions are due to clicks of days that have others now. */
export const CHANGED_CLICKS = "changed clicks before";

export interface DirtyDaysOptions {
  /** Days that began before are not looked at. */
  readonly sinceMs?: number;
  readonly nowMs?: number;
  /** The program that counts; days that another one counted are dirty. Not compared when missing. */
  readonly codeVersion?: string | undefined;
}

/** What the archive holds of an event hour. */
interface ArchivedHour {
  readonly rows: number;
  readonly firstMs: number;
}

/**
 * The billing days of which the archive holds other events than were counted last, whose campaigns and
 * rates are others, or whose conversions are due to clicks of days that have others now; and of those that have not closed, also those which other rules or
 * another program would judge. Oldest first. A day counts as counted also when it came out as it was.
 *
 * Rules and program leave closed days alone, and so does the need of impressions: what was judged stays
 * judged until somebody asks.
 *
 * Days that were never counted and of which the advertiser has no event are left out: the archive
 * holds the events of all advertisers together, so each of its days is news to a new one.
 */
export async function truthDirtyDays(
  stores: Stores,
  scope: TenantScope,
  { sinceMs = 0, nowMs = Date.now(), codeVersion }: DirtyDaysOptions = {},
): Promise<DirtyDay[]> {
  // One snapshot: an object that is archived meanwhile makes its day dirty at the next call.
  const seen = await stores.db.transaction(
    async (tx) => {
      const counted = await countedDays({ db: tx }, scope, sinceMs);
      return {
        ...{ sinceMs, nowMs, codeVersion, counted },
        advertisers: await listAdvertisers({ db: tx }, scope),
        archived: await archivedHours({ db: tx }, sinceMs),
        changes: await campaignChanges({ db: tx }, scope, sinceMs),
        rules: await ruleChanges({ db: tx }, scope, sinceMs),
        judged: await judgedBefore({ db: tx }, scope, counted),
      };
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
  const daysIn = remembered((timeZone: string) => daysOfHours([...seen.archived.keys()], timeZone));
  const candidates = seen.advertisers.flatMap((advertiser) =>
    candidatesOf(advertiser, daysIn(advertiser.timeZone), seen),
  );
  // The index is asked only where the answer hangs on it.
  const needsIndex = candidates.some((candidate) => candidate.if !== "any");
  const known = needsIndex ? await campaignHours(stores, scope, nowMs) : null;
  return candidates
    .filter((candidate) => holds(candidate, known))
    .map(({ day }) => day)
    .sort((a, b) => (a.billingDay < b.billingDay ? -1 : a.billingDay > b.billingDay ? 1 : 0));
}

type Reader = { readonly db: Pick<Stores["db"], "select"> };

/**
 * What more must be true for a day to be dirty: nothing (`any`), that the archive has events of the
 * advertiser's `own` in it, or of one of these campaigns.
 */
type Condition = "any" | "own" | CampaignChange;

interface Candidate {
  readonly day: DirtyDay;
  readonly if: Condition;
}

interface Seen {
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly codeVersion: string | undefined;
  readonly archived: ReadonlyMap<number, ArchivedHour>;
  readonly counted: CountedDays;
  readonly changes: CampaignChanges;
  readonly rules: RuleChanges;
  readonly judged: JudgedDays;
}

function candidatesOf(
  { id, timeZone, settlingHours }: AdvertiserRow,
  days: ReadonlyMap<string, InstantRange>,
  seen: Seen,
): Candidate[] {
  const { sinceMs, archived, counted, changes, judged } = seen;
  const ofAdvertiser = counted.get(id);
  const all = new Set([...days.keys(), ...(ofAdvertiser?.keys() ?? [])]);
  return [...all].flatMap((billingDay): Candidate[] => {
    const bounds = days.get(billingDay) ?? dayBounds(billingDay, timeZone);
    if (bounds.fromMs < sinceMs) return [];
    const hours = hoursTouched(bounds);
    const before = ofAdvertiser?.get(billingDay);
    const firstMs = Math.min(...hours.map((hour) => archived.get(hour)?.firstMs ?? Infinity));
    const day = { advertiserId: id, billingDay, bounds, lookedAtMs: before?.lookedAtMs ?? firstMs };
    if (before?.counted == null) return [{ day: { ...day, why: "new events" }, if: "own" }];

    const { hourRows, campaignsHash } = before.counted;
    if (hasOtherRows(hourRows, bounds, seen)) {
      return [{ day: { ...day, why: "new events" }, if: "any" }];
    }
    const closesMs = closesAtMs(bounds.toMs, settlingHours);
    const why = changedJudgement(before.counted, { bounds, closesMs }, seen);
    if (why !== null) return [{ day: { ...day, why }, if: "any" }];
    if (isOtherLookback(before.counted.lookback, judged.get(id))) {
      return [{ day: { ...day, why: CHANGED_CLICKS }, if: "any" }];
    }
    const change = changes(id, campaignsHash, { ...bounds, isClosed: seen.nowMs >= closesMs });
    return change === null ? [] : [{ day: { ...day, why: "changed campaigns" }, if: change }];
  });
}

/** Rules named in words; a set of them that is all new would fill the page. */
const RULES_NAMED_MAX = 5;

/** By what else than counted last a day would be judged now; null for the same, and once it closed. */
function changedJudgement(
  { rulesHash, codeVersion: before }: NonNullable<CountedDay["counted"]>,
  { bounds, closesMs }: { readonly bounds: InstantRange; readonly closesMs: number },
  { rules, codeVersion: now, nowMs }: Pick<Seen, "rules" | "codeVersion" | "nowMs">,
): string | null {
  if (nowMs >= closesMs) return null;
  // A job looks at clicks up to an hour past the last hour that its day touches.
  const lastHourMs = hoursTouched(bounds).at(-1) ?? bounds.toMs;
  const changed = rules(rulesHash, { fromMs: bounds.fromMs, toMs: lastHourMs + 2 * HOUR_MS });
  if (changed.length > 0) {
    const omitted = changed.length - RULES_NAMED_MAX;
    const more = omitted > 0 ? ` and ${omitted} more` : "";
    return `changed rules: ${changed.slice(0, RULES_NAMED_MAX).join(", ")}${more}`;
  }
  const isOther = now !== undefined && before !== null && before !== now;
  return isOther ? `changed program: ${now}` : null;
}

/**
 * Whether the archive has other rows than were noted. A job also looks at the hour after its day: what
 * follows a click tells whether it counts. And at hours before it, which it noted, where clicks need an
 * impression; those that the archive was not asked for stay as they are.
 */
function hasOtherRows(
  noted: ReadonlyMap<number, number> | null,
  bounds: InstantRange,
  { archived, sinceMs }: Pick<Seen, "archived" | "sinceMs">,
): boolean {
  if (noted === null) return true;
  const before = [...noted.keys()].filter((hour) => hour >= sinceMs);
  const looked = [...hoursTouched({ ...bounds, toMs: bounds.toMs + HOUR_MS }), ...before];
  return looked.some((hour) => (archived.get(hour)?.rows ?? 0) !== (noted.get(hour) ?? 0));
}

function holds({ day, if: condition }: Candidate, known: CampaignHours | null): boolean {
  if (condition === "any" || known === null) return true;
  const { advertiserId, bounds } = day;
  // An hour that lies in the day only in part may hold the events of its neighbour; then the day
  // is counted, and is empty or as it was.
  if (condition === "own") return known.hasEvents(advertiserId, bounds, null) !== "no";
  const events = known.hasEvents(advertiserId, bounds, condition.campaignIds);
  return events === "unknown" ? condition.isRepriced : events === "yes";
}

/** The local days that hold any of the hours. */
function daysOfHours(
  hours: readonly number[],
  timeZone: string,
): ReadonlyMap<string, InstantRange> {
  const days = new Set(
    hours.flatMap((hour) =>
      daysBetween(dayOf(hour, timeZone), dayOf(hour + HOUR_MS - 1, timeZone)),
    ),
  );
  return new Map([...days].sort().map((day) => [day, dayBounds(day, timeZone)]));
}

async function archivedHours(
  { db }: Reader,
  sinceMs: number,
): Promise<ReadonlyMap<number, ArchivedHour>> {
  const rows = await db
    .select({
      eventHour: archiveObjects.eventHour,
      rows: sum(archiveObjects.rows).mapWith(Number),
      first: min(archiveObjects.createdAt),
    })
    .from(archiveObjects)
    .where(
      and(
        gte(archiveObjects.eventHour, new Date(sinceMs - HOUR_MS)),
        isNull(archiveObjects.compactedInto),
      ),
    )
    .groupBy(archiveObjects.eventHour);
  return new Map(
    rows.map((row) => [
      row.eventHour.getTime(),
      { rows: row.rows, firstMs: row.first?.getTime() ?? 0 },
    ]),
  );
}
