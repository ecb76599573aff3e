import type { StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import type { SimulatedRecord } from "./simulatedTraffic.ts";

/** What readers of the stores must see of a partition in the end. */
export interface Expected {
  /** Clicks, invalid, duplicate, impressions, micros by `cube/value/minute`. */
  readonly cells: Map<string, number[]>;
  /** Reasons by `offset:index`. */
  readonly rejects: Map<string, string>;
  readonly events: number;
}

const CPC_MICROS = 250_000;

/** The definitions, and nothing of how the stream goes about them. */
export function oracle(records: readonly SimulatedRecord[], allowedLatenessMs: number): Expected {
  const [cells, rejects, first] = [new Map(), new Map(), new Map<string, StoredEvent>()];
  let [newestMs, events] = [Number.NEGATIVE_INFINITY, 0];
  for (const { offset, appendTimeMs, events: said } of records) {
    newestMs = Math.max(newestMs, appendTimeMs);
    for (const [index, event] of said.entries()) {
      events += 1;
      const outcome = outcomeOf(event, appendTimeMs, newestMs - allowedLatenessMs, first);
      if (outcome !== "counted") rejects.set(`${offset}:${index}`, outcome);
      for (const key of cellsOf(event)) raise(cells, key, event.event_type, outcome);
    }
  }
  return { cells, rejects, events };
}

function outcomeOf(
  event: StoredEvent,
  appendTimeMs: number,
  watermarkMs: number,
  first: Map<string, StoredEvent>,
): string {
  const { event_time: timeMs } = event;
  if (timeMs > appendTimeMs + HOUR_MS || timeMs < appendTimeMs - 60 * DAY_MS) return "unparseable";
  const minute = Math.floor(timeMs / MINUTE_MS);
  if ((minute + 1) * MINUTE_MS <= watermarkMs) return "late";
  const earlier = first.get(`${minute}/${event.event_id}`);
  if (earlier !== undefined) return earlier.ad_id === event.ad_id ? "duplicate" : "id_conflict";
  first.set(`${minute}/${event.event_id}`, event);
  if (event.campaign_id !== "cmp_1") return "unknown_campaign";
  return event.flags.includes("bot_user_agent") ? "bot_user_agent" : "counted";
}

function cellsOf(event: StoredEvent): string[] {
  if (event.campaign_id !== "cmp_1") return [];
  const minute = Math.floor(event.event_time / MINUTE_MS) * MINUTE_MS;
  const { ad_id, geo, device, publisher_id } = event;
  const values = Object.entries({ ad: ad_id, geo, device, publisher: publisher_id });
  return values.map(([cube, value]) => `${cube}/${value}/${minute}`);
}

function raise(cells: Map<string, number[]>, key: string, type: string, outcome: string): void {
  const click = type === "click" ? 1 : 0;
  const add = {
    counted: [click, 0, 0, 1 - click, click * CPC_MICROS],
    bot_user_agent: [0, click, 0, 0, 0],
    duplicate: [0, 0, click, 0, 0],
    id_conflict: [0, 0, click, 0, 0],
  }[outcome];
  if (add === undefined || add.every((count) => count === 0)) return;
  const before = cells.get(key) ?? [0, 0, 0, 0, 0];
  cells.set(
    key,
    before.map((count, at) => count + (add[at] ?? 0)),
  );
}
