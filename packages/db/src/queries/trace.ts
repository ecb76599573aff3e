import { dayOf, type IsoDay } from "@trueclick/shared/calendar";
import { formatCoordinates } from "@trueclick/shared/event/block";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, eq } from "drizzle-orm";
import { isOneOf } from "../postgres/conditions.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { archiveObjects } from "../postgres/schema/archive.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
import { heldBuilds } from "./heldRows.ts";
import { pipelineOffsets } from "./pipelineOffsets.ts";
import {
  type CreditedCopy,
  creditedCopies,
  type EventCopy,
  indexedCopies,
  type JudgedCopy,
  judgedCopies,
  rejectedCopies,
} from "./traceEvidence.ts";
import { type BilledIn, type VersionOfDay, versionsOfDays } from "./traceVersions.ts";

/** Most copies of one event that an answer shows. */
const COPIES_MAX = 500;

/** What truth said of a copy in one version of its billing day. */
export interface BatchVerdict {
  readonly billingDay: IsoDay;
  readonly version: number;
  /** Whether it is the version that readers see. */
  readonly current: boolean;
  readonly jobId: number;
  readonly publishedAt: Date;
  /** A verdict, or `not_included` when the copy was archived after the version was counted. */
  readonly verdict: string;
  /** Of a valid conversion; null of anything else. */
  readonly credit: Credit | null;
}

/** What a conversion was credited to. */
export interface Credit {
  /** The click; null where it was credited to none, and then why. */
  readonly clickEventId: string | null;
  readonly notCredited: string | null;
  /** How long before it a click could lie, days of 24 hours. */
  readonly windowDays: number;
  /** Micros of the advertiser's currency. */
  readonly valueMicros: bigint;
}

export interface TracedCopy {
  /** `partition:offset:index` in the log. */
  readonly coordinates: string;
  readonly eventType: string;
  readonly campaignId: string;
  /** Null for a campaign that is not known here. */
  readonly campaignName: string | null;
  readonly advertiserId: AdvertiserId | null;
  readonly eventTimeMs: number;
  /** Null while it is not archived. `row` counts from 0. */
  readonly object: { readonly path: string; readonly sha256: string; readonly row: number } | null;
  /** `counted`, why it was not, or `not_read` while the stream has not come to it. */
  readonly streamVerdict: string;
  readonly batchVerdicts: readonly BatchVerdict[];
  /** The billed line that it is part of; null when it is not billed. */
  readonly billed: BilledIn | null;
}

export interface Trace {
  readonly eventId: string;
  readonly copies: readonly TracedCopy[];
  /** Whether there are more copies than `copies` shows. */
  readonly cut: boolean;
}

/**
 * Everything that happened to an event: each stored copy, where it lies, what stream and truth said
 * of it, and the line that bills it. Null for an id that is unknown or another tenant's.
 */
export async function traceEvent(
  stores: Stores,
  scope: TenantScope,
  eventId: string,
): Promise<Trace | null> {
  const { clickhouse } = stores;
  const indexed = await indexedCopies(clickhouse, eventId, COPIES_MAX + 1);
  const known = await campaignsOf(stores, scope, [...new Set(indexed.map((c) => c.campaign))]);
  const rejected = await rejectedCopies(clickhouse, scope, {
    eventId,
    campaignIds: [...known.keys()],
    copiesMax: COPIES_MAX + 1,
  });
  const byCoordinates = new Map<string, EventCopy>();
  for (const copy of [...rejected, ...indexed]) byCoordinates.set(formatCoordinates(copy), copy);
  const late = await campaignsOf(stores, scope, [...new Set(rejected.map((c) => c.campaign))]);
  const owners = new Map([...known, ...late]);

  // Only the operator's own staff sees events of campaigns that nobody has.
  const visible = [...byCoordinates.values()]
    .filter((copy) => scope.kind === "all" || owners.has(copy.campaign))
    .sort(byPlaceInLog);
  const copies = visible.slice(0, COPIES_MAX);
  if (copies.length === 0) return null;

  const versions = await versionsOfDays(
    stores,
    scope,
    copies.flatMap((copy) => daysOf(copy, owners)),
  );
  const inBuilds = { eventId, builds: buildsOf(versions) };
  const [offsets, objects, judged, credited] = await Promise.all([
    pipelineOffsets(stores),
    objectsOf(stores, copies),
    judgedCopies(clickhouse, scope, inBuilds),
    creditedCopies(clickhouse, scope, inBuilds),
  ]);
  const rowOf = new Map(indexed.map((copy) => [formatCoordinates(copy), copy.row]));
  const pathOf = new Map(indexed.map((copy) => [formatCoordinates(copy), copy.path]));
  const reasonOf = new Map(rejected.map((copy) => [formatCoordinates(copy), copy.reason]));
  return {
    eventId,
    cut: visible.length > copies.length,
    copies: copies.map((copy) => {
      const coordinates = formatCoordinates(copy);
      const owner = owners.get(copy.campaign) ?? null;
      // The index knows the row of the object that it names.
      const path = pathOf.get(coordinates);
      const object =
        objects.find((one) => one.path === path) ??
        objects.find((one) => one.compactedInto === null && holds(one, copy)) ??
        null;
      const isRead = copy.offset < (offsets.streamNext.get(copy.partition) ?? 0n);
      const batch = daysOf(copy, owners).flatMap((day) =>
        versions
          .filter((v) => v.advertiserId === day.advertiserId && v.billingDay === day.billingDay)
          .map((version) => ({
            version,
            verdict: verdictIn(version, copy, judged),
            credit: creditIn(version, copy, credited),
          })),
      );
      return {
        coordinates,
        eventType: copy.event_type,
        campaignId: copy.campaign,
        campaignName: owner?.name ?? null,
        advertiserId: owner?.advertiserId ?? null,
        eventTimeMs: copy.event_time_ms,
        object: object && {
          path: object.path,
          sha256: object.sha256,
          row: rowOf.get(coordinates) ?? 0,
        },
        streamVerdict: reasonOf.get(coordinates) ?? (isRead ? "counted" : "not_read"),
        batchVerdicts: batch.map(toBatchVerdict),
        billed: billedIn(copy, batch),
      };
    }),
  };
}

function byPlaceInLog(a: EventCopy, b: EventCopy): number {
  return a.partition - b.partition || Number(a.offset - b.offset) || a.index - b.index;
}

interface Owner {
  readonly advertiserId: AdvertiserId;
  readonly timeZone: string;
  readonly name: string;
}

/** The campaigns among some ids that the scope sees. */
async function campaignsOf(
  { db }: Stores,
  scope: TenantScope,
  ids: readonly string[],
): Promise<Map<string, Owner>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ campaign: campaigns, timeZone: advertisers.timeZone })
    .from(campaigns)
    .innerJoin(advertisers, eq(advertisers.id, campaigns.advertiserId))
    .where(and(tenantWhere(scope, campaigns.advertiserId), isOneOf(campaigns.id, ids)));
  return new Map(
    rows.map(({ campaign: { id, advertiserId, name }, timeZone }) => [
      id,
      { advertiserId, timeZone, name },
    ]),
  );
}

/** The billing day of a copy; none for one of a campaign that nobody has. */
function daysOf({ campaign, event_time_ms }: EventCopy, owners: ReadonlyMap<string, Owner>) {
  const owner = owners.get(campaign);
  if (owner === undefined) return [];
  const { advertiserId, timeZone } = owner;
  return [{ advertiserId, billingDay: dayOf(event_time_ms, timeZone) }];
}

type ArchivedObject = typeof archiveObjects.$inferSelect;

/** The objects of the manifest in which copies may lie. */
async function objectsOf({ db }: Stores, copies: readonly EventCopy[]): Promise<ArchivedObject[]> {
  const hours = [...new Set(copies.map((copy) => new Date(copy.hour_ms).toISOString()))];
  const found = await db
    .select()
    .from(archiveObjects)
    .where(isOneOf(archiveObjects.eventHour, hours));
  return found.filter((object) => copies.some((copy) => holds(object, copy)));
}

function holds(object: ArchivedObject, { partition, offset, hour_ms }: EventCopy): boolean {
  return (
    object.partition === partition &&
    object.firstOffset <= offset &&
    offset <= object.lastOffset &&
    object.eventHour.getTime() === hour_ms
  );
}

/** Every build that has rows of one of them. */
function buildsOf(versions: readonly VersionOfDay[]): number[] {
  const held = versions.map(({ jobId, takenOver }) => ({ buildId: jobId, takenOver }));
  return [...new Set(heldBuilds(held).map(({ buildId }) => buildId))];
}

/** The build that has the version's rows of an event hour. */
function buildOfHour({ jobId, takenOver }: VersionOfDay, hourMs: number): number {
  return takenOver.find(({ hours }) => hours.includes(hourMs / SECOND_MS))?.buildId ?? jobId;
}

function verdictIn(version: VersionOfDay, copy: EventCopy, judged: readonly JudgedCopy[]): string {
  const build = buildOfHour(version, copy.hour_ms);
  const reject = judged.find(
    (row) => row.build_id === build && formatCoordinates(row) === formatCoordinates(copy),
  );
  if (reject !== undefined) return reject.verdict;
  const frontier = version.frontiers.get(copy.partition) ?? 0n;
  return copy.offset < frontier ? "valid" : "not_included";
}

function creditIn(
  version: VersionOfDay,
  copy: EventCopy,
  credited: readonly CreditedCopy[],
): Credit | null {
  const row = credited.find(
    (one) => one.build_id === version.jobId && formatCoordinates(one) === formatCoordinates(copy),
  );
  if (row === undefined) return null;
  const isCredited = row.not_credited === "";
  return {
    clickEventId: isCredited ? row.click_event_id : null,
    notCredited: isCredited ? null : row.not_credited,
    windowDays: row.window_days,
    valueMicros: row.value_micros,
  };
}

interface JudgedVersion extends Pick<BatchVerdict, "verdict" | "credit"> {
  readonly version: VersionOfDay;
}

function toBatchVerdict({ version, verdict, credit }: JudgedVersion): BatchVerdict {
  const { billingDay, current, jobId, publishedAt } = version;
  return { billingDay, version: version.version, current, jobId, publishedAt, verdict, credit };
}

function billedIn(
  copy: EventCopy,
  batch: readonly { readonly version: VersionOfDay; readonly verdict: string }[],
): BilledIn | null {
  const current = batch.find(({ version }) => version.current);
  if (current === undefined || current.verdict !== "valid" || copy.event_type !== "click") {
    return null;
  }
  const campaignId = copy.campaign;
  return current.version.lines.find((line) => line.campaignId === campaignId) ?? null;
}
