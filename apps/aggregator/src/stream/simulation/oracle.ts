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
  readonly events: number;
  /** Users by `campaign/hour`. */
  readonly users: ReadonlyMap<string, ReadonlySet<string>>;
  /** Starts of the hours of which a cube or the users lack some. */
  readonly degradedHoursMs: ReadonlySet<number>;
}

const CPC_MICROS = 250_000;

/** The definitions, and nothing of how the stream goes about them. */
export function oracle(
  records: readonly SimulatedRecord[],
  allowedLatenessMs: number,
  modes: readonly ModeChange[],
): Expected {
  const first = { level: 0, allowedLatenessMs };
  const modeAt = (at: bigint) => modes.findLast(({ offsetFrom }) => offsetFrom <= at) ?? first;
  const [cells, rejects, seen] = [new Map(), new Map(), new Map<string, StoredEvent>()];
  const degradedHoursMs = new Set<number>();
  const users = new Map<string, Set<string>>();
  const expected = { cells, users, degradedHoursMs };
  let [newestMs, watermarkMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let events = 0;
  for (const { offset, appendTimeMs, events: said } of records) {
    const mode = modeAt(offset);
    newestMs = Math.max(newestMs, appendTimeMs);
    watermarkMs = Math.max(watermarkMs, newestMs - mode.allowedLatenessMs);
    for (const [index, event] of said.entries()) {
      events += 1;
      const outcome = outcomeOf(event, appendTimeMs, watermarkMs, seen);
      if (outcome !== "counted") rejects.set(`${offset}:${index}`, outcome);
      if (isShown(event, outcome)) show(expected, mode.level, event, outcome);
    }
  }
  return { cells, rejects, events, users, degradedHoursMs };
}

function outcomeOf(
  event: StoredEvent,
  appendTimeMs: number,
  watermarkMs: number,
  seen: Map<string, StoredEvent>,
): string {
  const { event_time: timeMs } = event;
  if (timeMs > appendTimeMs + HOUR_MS || timeMs < appendTimeMs - 60 * DAY_MS) return "unparseable";
  const minute = Math.floor(timeMs / MINUTE_MS);
  if ((minute + 1) * MINUTE_MS <= watermarkMs) return "late";
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

function hourOf(event: StoredEvent): number {
  return Math.floor(event.event_time / HOUR_MS) * HOUR_MS;
}

/** Users are left out first, then cubes; the hour is noted either way. */
function show(
  expected: {
    readonly cells: Map<string, number[]>;
    readonly users: Map<string, Set<string>>;
    readonly degradedHoursMs: Set<number>;
  },
  level: number,
  event: StoredEvent,
  outcome: string,
): void {
  const isPaid = outcome === "counted" && event.event_type === "click";
  if (level >= (isPaid ? 1 : 2)) expected.degradedHoursMs.add(hourOf(event));
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
  const minute = Math.floor(event.event_time / MINUTE_MS) * MINUTE_MS;
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
  const add = [paid, invalid, 1 - valid - invalid, valid - paid, paid * CPC_MICROS];
  const before = cells.get(key) ?? [0, 0, 0, 0, 0];
  cells.set(
    key,
    before.map((count, at) => count + (add[at] ?? 0)),
  );
}
