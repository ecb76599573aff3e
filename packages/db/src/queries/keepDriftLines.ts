/** Keeps what the watch over drift has read, so that the same hours need not be read for a caller. */
import { createHash } from "node:crypto";
import type { InstantRange } from "@trueclick/shared/calendar";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, gte, lt, sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../postgres/database.ts";
import { driftDays, driftHours, driftReadings } from "../postgres/schema/drift.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { isExplained, type ReadDrift, readDrift } from "./drift.ts";
import type { EvidenceCount } from "./driftCauses.ts";
import type { DriftTotal } from "./driftEvidence.ts";
import { hourAsOf } from "./driftLines.ts";
import { type AdvertiserSides, placeOf } from "./driftSides.ts";
import { type KeptHour, type KeptLine, writeDriftHours } from "./writeDriftHours.ts";

/** A reading of all tenants' drift, numbered before its first row was read. */
export interface NumberedDrift extends ReadDrift {
  readonly reading: bigint;
}

const everyone: TenantScope = { kind: "all" };
const numberSchema = z.tuple([z.object({ reading: z.coerce.bigint() })]);

/** Reads the drift of all tenants so that it can be kept. @throws {ReportQueryError} as `readDrift`. */
export async function readDriftToKeep(
  stores: Stores,
  range: InstantRange,
  nowMs: number,
): Promise<NumberedDrift> {
  const { rows } = await stores.db.execute(sql`select nextval('drift_reading_numbers') as reading`);
  const [{ reading }] = numberSchema.parse(rows);
  return { ...(await readDrift(stores, everyone, range, nowMs)), reading };
}

/**
 * Keeps the hours of a reading that change no more unless it is said, of all advertisers that it has a row
 * of, and forgets what was kept of all others of its range. What is the same as before is not written
 * again. An hour is written whole, in one transaction, and never over a later reading; so a crash or a
 * repetition leaves what one reading found, and `hourAsOf` says whether it still is so.
 */
export async function keepDriftLines(
  { db }: Pick<Stores, "db">,
  read: NumberedDrift,
): Promise<void> {
  const known = await knownHours(db, read);
  const hours = read.sides.flatMap((ofAdvertiser) => hoursOf(read, ofAdvertiser));
  const isKnown = ({ asOf, linesSha256, ...place }: KeptHour) =>
    known.get(keyOf(place)) === versionOf({ asOf, linesSha256 });
  const kept = new Set(hours.map(keyOf));
  const gone = [...known.keys()].filter((key) => !kept.has(key));
  const changed = hours.filter((hour) => !isKnown(hour));
  if (changed.length > 0) await noteReading(db, read);
  await writeDriftHours(db, read.reading, { changed, gone: gone.map(placeOfKey) });
}

/** Drops what is kept of hours that drift is not asked for any more. */
export async function dropDriftLines(
  { db }: Pick<Stores, "db">,
  { beforeMs, readingsBeforeMs }: { readonly beforeMs: number; readonly readingsBeforeMs: number },
): Promise<void> {
  await db.execute(sql`
    with gone as (
      delete from drift_hours where event_hour < ${new Date(beforeMs).toISOString()}::timestamptz
      returning advertiser_id, event_hour)
    delete from drift_lines using gone
    where drift_lines.advertiser_id = gone.advertiser_id and drift_lines.event_hour = gone.event_hour`);
  const dayBefore = new Date(beforeMs - DAY_MS).toISOString().slice(0, 10);
  await db.delete(driftDays).where(lt(driftDays.day, dayBefore));
  await db.delete(driftReadings).where(lt(driftReadings.takenAt, new Date(readingsBeforeMs)));
}

interface Place {
  readonly advertiserId: string;
  readonly hourMs: number;
}

const keyOf = ({ advertiserId, hourMs }: Place) => `${hourMs}/${advertiserId}`;
const versionOf = ({ asOf, linesSha256 }: Pick<KeptHour, "asOf" | "linesSha256">) =>
  `${linesSha256} ${asOf}`;

function placeOfKey(key: string): Place {
  const [hour = ""] = key.split("/");
  return { hourMs: Number(hour), advertiserId: key.slice(hour.length + 1) };
}

async function knownHours(
  db: Database,
  { fromMs, toMs }: InstantRange,
): Promise<Map<string, string>> {
  const rows = await db
    .select()
    .from(driftHours)
    .where(
      and(gte(driftHours.eventHour, new Date(fromMs)), lt(driftHours.eventHour, new Date(toMs))),
    );
  return new Map(
    rows.map(({ advertiserId, eventHour, ...version }) => {
      const key = keyOf({ advertiserId, hourMs: eventHour.getTime() });
      return [key, versionOf(version)];
    }),
  );
}

/** Before any hour names it: an hour of an unknown reading has no lines. */
async function noteReading(db: Database, { reading, facts }: NumberedDrift): Promise<void> {
  const streamNext = Object.fromEntries(
    [...facts.offsets.streamNext].map(([partition, next]) => [String(partition), String(next)]),
  );
  await db.insert(driftReadings).values({ id: reading, streamNext });
}

/** The hours of an advertiser that may be kept; none while truth has read what the stream has not. */
function hoursOf(
  { facts, fromMs, toMs }: NumberedDrift,
  { advertiserId, params, totals, evidence }: AdvertiserSides,
): KeptHour[] {
  const { streamNext } = facts.offsets;
  const hasRead = params.frontier_keys.every((key, at) => {
    const frontier = params.frontiers[at] ?? 0n;
    return (streamNext.get(key % PARTITIONS_OF_KEY) ?? 0n) >= frontier;
  });
  if (!hasRead) return [];
  const pins = facts.pins.filter((pin) => pin.advertiserId === advertiserId);
  const newCampaigns = new Set(params.new_campaigns);
  const byHour = Map.groupBy(totals, ({ hour }) => hour * SECOND_MS);
  const hours: KeptHour[] = [];
  for (let hourMs = fromMs; hourMs < toMs; hourMs += HOUR_MS) {
    const asOf = hourAsOf(hourMs, { ...facts, pins });
    if (asOf === null) continue;
    const lines = (byHour.get(hourMs) ?? [])
      .map((total) => {
        const isNew = newCampaigns.has(total.campaign);
        return lineOf(total, isNew ? null : (evidence.get(placeOf(total)) ?? []));
      })
      .sort(([, one], [, other]) => (one < other ? -1 : 1));
    const linesSha256 = createHash("sha256").update(JSON.stringify(lines)).digest("base64");
    hours.push({ advertiserId, hourMs, asOf, linesSha256, lines });
  }
  return hours;
}

/** `frontierKey` is a build's number times this, and a partition. */
const PARTITIONS_OF_KEY = 65_536;

/**
 * A difference that evidence does not name whole is read each time: the rest has causes that pass, or none,
 * which must be told as soon as it is so, and no longer.
 *
 * @param evidence Null where it may grow unsaid.
 */
function lineOf(
  { hour, campaign, stream, truth }: DriftTotal,
  evidence: readonly EvidenceCount[] | null,
): KeptLine {
  const place = [hour * SECOND_MS, campaign, stream, truth] as const;
  if (evidence === null || !isExplained({ stream, truth }, evidence)) return [...place, null];
  const differences = evidence
    .filter(({ reason, verdict }) => (reason === "") !== (verdict === ""))
    .map(({ reason, verdict, events }) => [reason, verdict, events] as const)
    .sort(([one, first], [other, second]) => (one + first < other + second ? -1 : 1));
  return [...place, differences];
}
