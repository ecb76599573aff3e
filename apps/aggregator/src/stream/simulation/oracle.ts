import type { StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import type { ModeChange } from "../domain/countingMode.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";

/** What readers of the stores must see of a partition in the end. */
export interface Expected {
  /** Clicks, invalid, duplicate, impressions, micros by `cube/value/minute`. */
  readonly cells: Map<string, number[]>;
  /** Reasons by `offset:index`. */
  readonly rejects: Map<string, string>;
  /** `offset:index` of late events of no campaign: their hour is counted again for others alone. */
  readonly lateOfNobody: ReadonlySet<string>;
  /** Users by `campaign/hour`. */
  readonly users: ReadonlyMap<string, ReadonlySet<string>>;
  /** Ids that were counted, by minute: `minute/id`. */
  readonly counted: ReadonlySet<string>;
  /** Starts of the hours that the stream counted without a late event, a cube or users. */
  readonly wantingMs: ReadonlySet<number>;
}

const CPC_MICROS = 250_000;

/** What is expected, while it is found out. */
interface Building {
  readonly cells: Map<string, number[]>;
  readonly rejects: Map<string, string>;
  readonly users: Map<string, Set<string>>;
  readonly counted: Set<string>;
  readonly lateOfNobody: Set<string>;
  readonly wantingMs: Set<number>;
}

/** A partition's log, and what was done about it. */
export interface Counted {
  /** All that was counted, be it from the archive. */
  readonly records: readonly SimulatedRecord[];
  /** Those of them that the stream has not read. */
  readonly passedOver: ReadonlySet<bigint>;
  /** What the stream was told of the append times of records that it has not read. */
  readonly gaps: readonly { readonly toOffset: bigint; readonly appendTimeMs: number | null }[];
  readonly allowedLatenessMs: number;
  /** By ascending offset. */
  readonly modes: readonly ModeChange[];
  /** Starts of the hours that were counted again. */
  readonly healedMs: ReadonlySet<number>;
}

/**
 * The definitions, and nothing of how stream and backfill go about them. In an hour that was counted
 * again from the archive no event is late, and no detail is left out.
 */
export function oracle(counted: Counted): Expected {
  const { records, passedOver, healedMs } = counted;
  const watermark = watermarkOf(counted);
  const seen = new Map<string, StoredEvent>();
  const expected: Building = {
    cells: new Map(),
    rejects: new Map(),
    users: new Map(),
    counted: new Set(),
    lateOfNobody: new Set(),
    wantingMs: new Set(),
  };
  for (const record of records) {
    const { offset, appendTimeMs, events } = record;
    const { level, watermarkMs } = watermark(offset, appendTimeMs);
    for (const [index, event] of events.entries()) {
      const isHealed = healedMs.has(hourOf(event));
      const isLate = !passedOver.has(offset) && endOf(event) <= watermarkMs;
      const outcome = outcomeOf(event, appendTimeMs, isLate && !isHealed, seen);
      const seenAs = { event, outcome, isLate, level, at: `${offset}:${index}` };
      note(expected, seenAs);
      if (isShown(event, outcome)) show(expected, isHealed ? 0 : level, event, outcome);
    }
  }
  return expected;
}

interface Judged {
  readonly event: StoredEvent;
  readonly outcome: string;
  /** To the stream. */
  readonly isLate: boolean;
  readonly level: number;
  readonly at: string;
}

function note(expected: Building, { event, outcome, isLate, level, at }: Judged): void {
  if (outcome === "counted") expected.counted.add(`${minuteOf(event)}/${event.event_id}`);
  else expected.rejects.set(at, outcome);
  if (outcome === "unparseable") return;
  const isKnown = event.campaign_id === "cmp_1";
  if (isLate && !isKnown) expected.lateOfNobody.add(at);
  const isWanting = (isLate && isKnown) || isLessened(level, event, outcome);
  if (isWanting) expected.wantingMs.add(hourOf(event));
}

/** How the stream counts a record, and up to where windows are closed to it. Ask in log order. */
function watermarkOf({ passedOver, gaps, allowedLatenessMs, modes }: Counted) {
  const first = { level: 0, allowedLatenessMs };
  let [newestMs, watermarkMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return (offset: bigint, appendTimeMs: number) => {
    const mode = modes.findLast(({ offsetFrom }) => offsetFrom <= offset) ?? first;
    if (!passedOver.has(offset)) {
      const passed = gaps.filter(({ toOffset }) => toOffset <= offset);
      const told = passed.map((gap) => gap.appendTimeMs ?? Number.NEGATIVE_INFINITY);
      newestMs = Math.max(newestMs, appendTimeMs, ...told);
      watermarkMs = Math.max(watermarkMs, newestMs - mode.allowedLatenessMs);
    }
    return { level: mode.level, watermarkMs };
  };
}

function endOf({ event_time: timeMs }: StoredEvent): number {
  return (Math.floor(timeMs / MINUTE_MS) + 1) * MINUTE_MS;
}

function isTimely({ event_time: timeMs }: StoredEvent, appendTimeMs: number): boolean {
  return timeMs <= appendTimeMs + HOUR_MS && timeMs >= appendTimeMs - 60 * DAY_MS;
}

/** Whether a level leaves out some of what the event would show in. */
function isLessened(level: number, event: StoredEvent, outcome: string): boolean {
  const isPaid = outcome === "counted" && event.event_type === "click";
  return isShown(event, outcome) && level >= (isPaid ? 1 : 2);
}

function outcomeOf(
  event: StoredEvent,
  appendTimeMs: number,
  isLate: boolean,
  seen: Map<string, StoredEvent>,
): string {
  const { event_time: timeMs } = event;
  if (!isTimely(event, appendTimeMs)) return "unparseable";
  if (isLate) return "late";
  const minute = Math.floor(timeMs / MINUTE_MS);
  const earlier = seen.get(`${minute}/${event.event_id}`);
  if (earlier !== undefined) return earlier.ad_id === event.ad_id ? "duplicate" : "id_conflict";
  seen.set(`${minute}/${event.event_id}`, event);
  if (event.campaign_id !== "cmp_1") return "unknown_campaign";
  return event.flags.includes("bot_user_agent") ? "bot_user_agent" : "counted";
}

/** Whether any count shows the event. */
function isShown(event: StoredEvent, outcome: string): boolean {
  if (event.campaign_id !== "cmp_1") return false;
  const isOfClicks = ["bot_user_agent", "duplicate", "id_conflict"].includes(outcome);
  return outcome === "counted" || (isOfClicks && event.event_type === "click");
}

function minuteOf(event: StoredEvent): number {
  return Math.floor(event.event_time / MINUTE_MS) * MINUTE_MS;
}

function hourOf(event: StoredEvent): number {
  return Math.floor(event.event_time / HOUR_MS) * HOUR_MS;
}

/** Users are left out first, then cubes. */
function show(
  expected: Pick<Building, "cells" | "users">,
  level: number,
  event: StoredEvent,
  outcome: string,
): void {
  const isPaid = outcome === "counted" && event.event_type === "click";
  if (isPaid && level === 0) addUser(expected.users, event);
  for (const cube of cubesAt(level)) raise(expected.cells, cellOf(event, cube), event, outcome);
}

function addUser(users: Map<string, Set<string>>, event: StoredEvent): void {
  const key = `${event.campaign_id}/${hourOf(event)}`;
  users.set(key, (users.get(key) ?? new Set()).add(event.user_id ?? ""));
}

function cubesAt(level: number): string[] {
  return level >= 2 ? ["ad"] : ["ad", "geo", "device", "publisher"];
}

function cellOf(event: StoredEvent, cube: string): string {
  const minute = minuteOf(event);
  const { ad_id: ad, geo, device, publisher_id: publisher } = event;
  const value = new Map(Object.entries({ ad, geo, device, publisher })).get(cube);
  return `${cube}/${value}/${minute}`;
}

function raise(
  cells: Map<string, number[]>,
  key: string,
  event: StoredEvent,
  outcome: string,
): void {
  const click = event.event_type === "click" ? 1 : 0;
  const valid = outcome === "counted" ? 1 : 0;
  const invalid = outcome === "bot_user_agent" ? 1 : 0;
  const paid = valid * click;
  const add = [paid, invalid, 1 - valid - invalid, valid - paid, paid * CPC_MICROS, invalid];
  const before = cells.get(key) ?? [0, 0, 0, 0, 0, 0];
  cells.set(
    key,
    before.map((count, at) => count + (add[at] ?? 0)),
  );
}
