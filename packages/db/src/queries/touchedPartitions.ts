/** Which counted days a decision on events may touch. */
import { dayBounds, type InstantRange } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import type { DecisionScope } from "@trueclick/shared/verdict/decision";
import { eq } from "drizzle-orm";
import { z } from "zod";
import { runQuery } from "../clickhouse/reader.ts";
import { isOneOf } from "../postgres/conditions.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import { batchJobs } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { heldBuilds } from "./heldRows.ts";
import type { TruthPartition } from "./jobs.ts";
import { currentTruth } from "./truthPointers.ts";

export interface DecisionOnEvents {
  readonly scope: DecisionScope;
  readonly range: InstantRange;
}

type Reader = Stores;

/** A counted day, or one that is being counted. */
interface Day extends TruthPartition {
  readonly bounds: InstantRange;
  /** Where its rows lie; null for one that is being counted: what it will hold is not known. */
  readonly builds: readonly number[] | null;
}

/**
 * The days that have a version, or a job at work, and that may hold events of the decisions. Those of
 * a publisher, an ad or a campaign are found in what was counted, those of an event id in the row
 * index; users and networks are in neither, so all days of the range may hold them. More than hold
 * one, never fewer: a recount of a day that holds none comes out as it was.
 */
export async function touchedPartitions(
  reader: Reader,
  decisions: readonly DecisionOnEvents[],
): Promise<TruthPartition[]> {
  if (decisions.length === 0) return [];
  const days = await countedDays(reader, {
    fromMs: Math.min(...decisions.map(({ range }) => range.fromMs)),
    // What a click of the day after does to the last ones of a day is at most an hour away.
    toMs: Math.max(...decisions.map(({ range }) => range.toMs)) + HOUR_MS,
  });
  const owners = await ownersOf(
    reader,
    decisions.flatMap(({ scope }) => scope.campaignId ?? []),
  );
  const cells = await cellsOf(reader, days, decisions);
  const events = await eventsOf(reader, decisions);
  const eventOwners = await ownersOf(
    reader,
    [...events.values()].flat().map((e) => e.campaign),
  );

  const touches = (day: Day, { scope, range }: DecisionOnEvents): boolean => {
    const { advertiserId, eventId, campaignId } = scope;
    if (!overlap(day.bounds, range)) return false;
    if (advertiserId !== undefined && advertiserId !== day.advertiserId) return false;
    if (campaignId !== undefined && owners.get(campaignId) !== day.advertiserId) return false;
    if (eventId !== undefined) {
      return (events.get(eventId) ?? []).some(
        (event) =>
          eventOwners.get(event.campaign) === day.advertiserId &&
          overlap(day.bounds, { fromMs: event.timeMs, toMs: event.timeMs + 1 }),
      );
    }
    if (day.builds === null || !isInCube(scope)) return true;
    const held = day.builds.flatMap((build) => cells.get(build) ?? []);
    return held.some((cell) => matches(cell, scope));
  };
  return days
    .filter((day) => decisions.some((decision) => touches(day, decision)))
    .map(({ advertiserId, billingDay }) => ({ advertiserId, billingDay }));
}

/** A click may be given up for one that follows within an hour, so a day reaches so far. */
function overlap(day: InstantRange, range: InstantRange): boolean {
  return range.fromMs < day.toMs + HOUR_MS && range.toMs > day.fromMs;
}

async function countedDays(reader: Reader, range: InstantRange): Promise<Day[]> {
  const wider = { fromMs: range.fromMs - HOUR_MS, toMs: range.toMs };
  const counted = await currentTruth(reader, { kind: "all" }, wider);
  const running = await reader.db
    .select({
      advertiserId: batchJobs.advertiserId,
      billingDay: batchJobs.billingDay,
      timeZone: advertisers.timeZone,
    })
    .from(batchJobs)
    .innerJoin(advertisers, eq(advertisers.id, batchJobs.advertiserId))
    .where(eq(batchJobs.state, "running"));
  const days = new Map<string, Day>();
  for (const day of counted) {
    // Hours of an earlier build that were counted again since are looked at as well.
    const builds = heldBuilds([day]).map(({ buildId }) => buildId);
    days.set(`${day.billingDay}/${day.advertiserId}`, { ...day, builds });
  }
  for (const { timeZone, ...day } of running) {
    const bounds = dayBounds(day.billingDay, timeZone);
    days.set(`${day.billingDay}/${day.advertiserId}`, { ...day, bounds, builds: null });
  }
  return [...days.values()];
}

async function ownersOf(
  { db }: Reader,
  campaignIds: readonly string[],
): Promise<ReadonlyMap<string, AdvertiserId>> {
  if (campaignIds.length === 0) return new Map();
  const rows = await db
    .select({ id: campaigns.id, advertiserId: campaigns.advertiserId })
    .from(campaigns)
    .where(isOneOf(campaigns.id, [...new Set(campaignIds)]));
  return new Map(rows.map((row) => [row.id, row.advertiserId]));
}

const cellSchema = z.object({
  build: z.coerce.number().int(),
  campaign: z.string(),
  ad: z.string(),
  publisher: z.string(),
});
type Cell = z.infer<typeof cellSchema>;

/** Whether what was counted can tell if a day holds events of a scope. */
function isInCube({ publisherId, adId, campaignId }: DecisionScope): boolean {
  return publisherId !== undefined || adId !== undefined || campaignId !== undefined;
}

function matches(cell: Cell, { campaignId, adId, publisherId }: DecisionScope): boolean {
  return (
    (campaignId === undefined || campaignId === cell.campaign) &&
    (adId === undefined || adId === cell.ad) &&
    (publisherId === undefined || publisherId === cell.publisher)
  );
}

/** Builds and values of one query: parameters travel in the address of a request, which is bounded. */
const VALUES_PER_QUERY = 500;

async function cellsOf(
  { clickhouse }: Reader,
  days: readonly Day[],
  decisions: readonly DecisionOnEvents[],
): Promise<ReadonlyMap<number, Cell[]>> {
  const scopes = decisions.map(({ scope }) => scope).filter(isInCube);
  const builds = days.flatMap((day) => day.builds ?? []);
  if (scopes.length === 0) return new Map();
  const cells: Cell[] = [];
  for (let start = 0; start < builds.length; start += VALUES_PER_QUERY) {
    const found = await runQuery(clickhouse, {
      name: "touchedPartitions.cells",
      params: { builds: builds.slice(start, start + VALUES_PER_QUERY) },
      row: cellSchema,
      sql: `
        SELECT DISTINCT build_id AS build, campaign_id AS campaign, ad_id AS ad,
          publisher_id AS publisher
        FROM truth_cube WHERE build_id IN ({builds: Array(UInt64)})`,
    });
    cells.push(...found.filter((cell) => scopes.some((scope) => matches(cell, scope))));
  }
  return Map.groupBy(cells, ({ build }) => build);
}

const eventSchema = z.object({
  event: z.string(),
  campaign: z.string(),
  second: z.coerce.number().int(),
});

async function eventsOf({ clickhouse }: Reader, decisions: readonly DecisionOnEvents[]) {
  const ids = [...new Set(decisions.flatMap(({ scope }) => scope.eventId ?? []))];
  const events: { event: string; campaign: string; timeMs: number }[] = [];
  for (let start = 0; start < ids.length; start += VALUES_PER_QUERY) {
    const found = await runQuery(clickhouse, {
      name: "touchedPartitions.events",
      params: { events: ids.slice(start, start + VALUES_PER_QUERY) },
      row: eventSchema,
      sql: `
        SELECT DISTINCT event_id AS event, campaign_id AS campaign,
          toUnixTimestamp(event_time) AS second
        FROM event_index WHERE event_id IN ({events: Array(String)})`,
    });
    events.push(...found.map(({ second, ...event }) => ({ ...event, timeMs: second * SECOND_MS })));
  }
  return Map.groupBy(events, ({ event }) => event);
}
