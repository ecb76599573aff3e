/** The demo organisation's past, as the log would hold it had it been there all the time. */
import { addDays, dayBounds, dayOf, daysBetween, type IsoDay } from "@trueclick/shared/calendar";
import { parseEnvelope } from "@trueclick/shared/event/envelope";
import { type EventFlag, GEO_UNKNOWN, type StoredEvent } from "@trueclick/shared/event/stored";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { ROBOTS } from "./audience.ts";
import { busyInstants } from "./dayCurve.ts";
import { mergeByTime } from "./mergeByTime.ts";
import { catalogueOf, type DemoAdvertiser } from "./organisation.ts";
import { createRandom } from "./random.ts";
import { MIX_DEFAULT, type TrafficEvent, TrafficGenerator } from "./traffic.ts";

/** Where the past begins, and its end in epoch milliseconds, exclusive. */
export interface HistoryRange {
  readonly firstDay: IsoDay;
  readonly toMs: number;
}

/** One block of one partition, with the time at which the log would have taken it. */
export interface HistoryRecord {
  readonly partition: number;
  readonly appendTimeMs: number;
  readonly value: string;
}

/** What the edge adds that is not in the event. */
export interface HistoryStamps {
  readonly sourceId: string;
  readonly region: string;
  readonly partitionOf: (eventId: string) => number;
  readonly sha256Hex: (text: string) => string;
  readonly ipHash: (ip: string) => string;
}

/**
 * Longest stretch of ingest time in one block. A block has one append time, that of its end: with
 * ten minutes of lateness allowed, more would make the events at its beginning late.
 */
const BLOCK_SPAN_MS = 8 * MINUTE_MS;
/** A sender whose answer was lost tries again within this time. */
const RETRY_MS_MAX = 20 * SECOND_MS;
/** From the edge to the log. */
const APPEND_DELAY_MS = 40;
/** A weekend has so much of a weekday's traffic. */
const WEEKEND_SHARE = 0.7;

/** Two closed months and the current one, each in its advertiser's own zone. */
export function historyRange(nowMs: number): HistoryRange {
  const month = new Date(nowMs);
  const first = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() - 2, 1));
  // The last minutes belong to the live traffic, which is appended behind them.
  return { firstDay: first.toISOString().slice(0, 10), toMs: nowMs - 2 * MINUTE_MS };
}

/** The days of an advertiser that the range touches. */
export function historyDays(advertiser: DemoAdvertiser, range: HistoryRange): IsoDay[] {
  return daysBetween(range.firstDay, dayOf(range.toMs - 1, advertiser.timeZone));
}

/**
 * The whole past as log records, oldest first: ascending append times, none later than `range.toMs`.
 * The same range gives the same records, so a restore that was cut short goes on where it was.
 */
export function* historyRecords(
  advertisers: readonly DemoAdvertiser[],
  range: HistoryRange,
  stamps: HistoryStamps,
): Generator<HistoryRecord> {
  const traffic = advertisers.map((advertiser) => advertiserTraffic(advertiser, range));
  let span = Number.NaN;
  let blocks = new Map<number, OpenBlock>();
  for (const { ingestTimeMs, event: sent } of mergeByTime(traffic, (one) => one.ingestTimeMs)) {
    const spanOfEvent = Math.floor(ingestTimeMs / BLOCK_SPAN_MS);
    if (spanOfEvent !== span) {
      yield* toRecords(blocks);
      blocks = new Map();
      span = spanOfEvent;
    }
    const event = toStoredEvent(sent, ingestTimeMs, stamps);
    const partition = stamps.partitionOf(event.event_id);
    const lines = blocks.get(partition)?.lines ?? [];
    lines.push(JSON.stringify(event));
    blocks.set(partition, { endMs: ingestTimeMs, lines });
  }
  yield* toRecords(blocks);
}

interface OpenBlock {
  /** Ingest time of its last event. */
  readonly endMs: number;
  readonly lines: string[];
}

function toRecords(blocks: ReadonlyMap<number, OpenBlock>): HistoryRecord[] {
  return [...blocks]
    .map(([partition, { endMs, lines }]) => ({
      partition,
      appendTimeMs: endMs + APPEND_DELAY_MS,
      value: lines.join("\n"),
    }))
    .sort((a, b) => a.appendTimeMs - b.appendTimeMs);
}

interface Sent {
  readonly ingestTimeMs: number;
  readonly event: TrafficEvent;
}

/** The events of one advertiser and their retries, in the order of ingest. */
function* advertiserTraffic(advertiser: DemoAdvertiser, range: HistoryRange): Generator<Sent> {
  const random = createRandom(`history-retries-${advertiser.id}`);
  let retries: Sent[] = [];
  for (const sent of firstSendings(advertiser, range)) {
    const due = retries.filter(({ ingestTimeMs }) => ingestTimeMs <= sent.ingestTimeMs);
    yield* due.sort((a, b) => a.ingestTimeMs - b.ingestTimeMs);
    retries = retries.filter(({ ingestTimeMs }) => ingestTimeMs > sent.ingestTimeMs);
    if (random.chance(MIX_DEFAULT.duplicates)) {
      const delayMs = 1 + random.below(RETRY_MS_MAX);
      retries.push({ ...sent, ingestTimeMs: sent.ingestTimeMs + delayMs });
    }
    yield sent;
  }
}

function* firstSendings(advertiser: DemoAdvertiser, range: HistoryRange): Generator<Sent> {
  const { timeZone, id } = advertiser;
  const days = historyDays(advertiser, range);
  const generator = new TrafficGenerator({
    seed: `history-${id}`,
    catalogue: catalogueOf(advertiser),
    // What the edge refuses is in quarantine, not in the log; retries are made apart.
    mix: { ...MIX_DEFAULT, malformed: 0, duplicates: 0 },
    notBeforeMs: dayBounds(range.firstDay, timeZone).fromMs,
  });
  const random = createRandom(`history-days-${id}`);
  for (const [index, day] of days.entries()) {
    const bounds = dayBounds(day, timeZone);
    const count = eventsOn(advertiser, day, index / days.length, random.next());
    const hourOfDay = (ms: number) => Math.floor((ms - bounds.fromMs) / HOUR_MS) % 24;
    for (const ingestTimeMs of busyInstants(random, bounds, count, hourOfDay)) {
      // A day is drawn as a whole, today too; of it, what is past is taken.
      const event = generator.next(ingestTimeMs);
      if (ingestTimeMs < range.toMs) yield { ingestTimeMs, event };
    }
  }
}

/** Weekends are quieter, business grows by a third, and no two days are alike. */
function eventsOn(advertiser: DemoAdvertiser, day: IsoDay, age: number, luck: number): number {
  const weekday = new Date(`${day}T12:00:00Z`).getUTCDay();
  const week = weekday === 0 || weekday === 6 ? WEEKEND_SHARE : 1;
  return Math.round(advertiser.eventsPerDay * week * (0.85 + 0.3 * age) * (0.9 + 0.2 * luck));
}

/** What the edge would have stored. @throws if the generator made an event that the edge refuses. */
export function toStoredEvent(
  traffic: TrafficEvent,
  ingestTimeMs: number,
  stamps: HistoryStamps,
): StoredEvent {
  const { sourceId, region, sha256Hex } = stamps;
  const context = { ingestTimeMs, sourceId, sha256Hex };
  const parsed = parseEnvelope(JSON.parse(traffic.event), context);
  if (!parsed.ok) throw new RangeError(`history holds a bad event: ${parsed.message}`);
  const { id_derived: _derived, ip, ...event } = parsed.event;
  const flags: EventFlag[] = event.event_type === "click" ? ["token_absent"] : [];
  if (ROBOTS.has(event.user_agent ?? "")) flags.push("bot_user_agent");
  return {
    ...event,
    geo: event.geo ?? GEO_UNKNOWN,
    device: event.device ?? "other",
    ip_hash: ip === undefined ? undefined : stamps.ipHash(ip),
    ip_net: ip === undefined ? undefined : toNetwork(ip),
    ingest_time: ingestTimeMs,
    region,
    source_id: sourceId,
    flags,
  };
}

/** The /24 of an IPv4 address; the audience has no other. */
function toNetwork(ip: string): string {
  return `${ip.slice(0, ip.lastIndexOf("."))}.0/24`;
}

/** The day whose late clicks become the demo's correction: closed, and young enough for the edge. */
export function correctionDay(nowMs: number, timeZone: string): IsoDay {
  const today = dayOf(nowMs, timeZone);
  const lastOfLastMonth = addDays(`${today.slice(0, 8)}01`, -1);
  const settled = addDays(today, -5);
  return lastOfLastMonth < settled ? lastOfLastMonth : addDays(today, -12);
}

/**
 * Clicks of a publisher whose phones were without a network, told of long after their day. Nobody
 * signed in there: with a `user_id`, later days' conversions would be credited to some of them, and
 * the one correction of the demo would be several.
 */
export function correctionEvents(
  advertiser: DemoAdvertiser,
  day: IsoDay,
  count: number,
): TrafficEvent[] {
  const bounds = dayBounds(day, advertiser.timeZone);
  const generator = new TrafficGenerator({
    seed: `correction-${advertiser.id}-${day}`,
    catalogue: catalogueOf(advertiser),
    mix: { duplicates: 0, robots: 0, malformed: 0, tests: 0, late: 0 },
    notBeforeMs: bounds.fromMs,
  });
  const stepMs = Math.floor((bounds.toMs - bounds.fromMs - SECOND_MS) / count);
  return Array.from({ length: count }, (_, index) => {
    const late = generator.next(bounds.fromMs + SECOND_MS + index * stepMs);
    return { ...late, event: JSON.stringify({ ...JSON.parse(late.event), user_id: undefined }) };
  });
}
