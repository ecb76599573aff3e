/** Generates events as a busy ad server sends them, with everything that goes wrong on the way. */
import type { EventType } from "@trueclick/shared/event/stored";
import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { pickPerson, pickRobot, type Visitor } from "./audience.ts";
import { busyInstants } from "./dayCurve.ts";
import type { ExpectedOutcome, LedgerEntry } from "./ledger.ts";
import { createPicker } from "./popularity.ts";
import { createRandom, type Random } from "./random.ts";

export interface TrafficCampaign {
  readonly id: string;
  readonly adIds: readonly string[];
  /** Share of the traffic; shares need not add up to anything. */
  readonly share: number;
}

export interface TrafficCatalogue {
  readonly campaigns: readonly TrafficCampaign[];
  readonly publisherIds: readonly string[];
  /** ISO 3166-1 alpha-2; one named twice comes twice as often. */
  readonly geos: readonly string[];
}

/** Shares of what goes wrong; the rest is plain. */
export interface TrafficMix {
  /** The same bytes again, soon after: a retry whose answer was lost. */
  readonly duplicates: number;
  readonly robots: number;
  /** No valid event: the edge must refuse it. */
  readonly malformed: number;
  readonly tests: number;
  /** Kept by a phone without a network, and sent when it has one. */
  readonly late: number;
}

export const MIX_DEFAULT: TrafficMix = {
  duplicates: 0.03,
  robots: 0.04,
  malformed: 0.005,
  tests: 0.002,
  late: 0.01,
};

export interface TrafficOptions {
  readonly seed: string;
  readonly catalogue: TrafficCatalogue;
  readonly mix?: TrafficMix;
  /** Different people. */
  readonly people?: number;
  /** No event time lies before it, epoch milliseconds. */
  readonly notBeforeMs?: number;
}

const PEOPLE_DEFAULT = 20_000;
/** A retry repeats one of the last so many, if that was not long ago. */
const RECENT_MAX = 64;
const RETRY_WITHIN_MS = MINUTE_MS;
/** The standard rule's 30 seconds and a little more. */
const DOUBLE_CLICK_MS = 31 * SECOND_MS;
/** People and ads remembered; forgetting all of them now and then lets hardly a double click by. */
const CLICKED_MAX = 500_000;
/** Clicks of a person on an ad that one which comes late may lie beside. */
const CLICKS_REMEMBERED = 8;
const DELAY_MS_MAX = 3 * SECOND_MS;
const LATE_MS_MIN = 15 * MINUTE_MS;
const LATE_MS_MAX = 120 * MINUTE_MS;
const CONVERSION_MICROS_MAX = 80_000_000;
/** Of conversions, those of somebody who clicked before; the others saw an ad only. */
const CONVERSIONS_OF_CLICKS = 0.8;
/** Clicks that the next conversions may follow. */
const VISITS_MAX = 500;

/** Ways to be no valid click, each with a reason of its own at the edge. */
const DAMAGES: readonly Readonly<Record<string, unknown>>[] = [
  { campaign_id: undefined },
  { event_time: "yesterday, about noon" },
  { event_id: "too bad!" },
];

const pickType = createPicker<EventType>(["click", "impression", "conversion"], [0.25, 0.72, 0.03]);

export type TrafficEvent = LedgerEntry;

interface Visit {
  readonly visitor: Visitor;
  readonly campaign: TrafficCampaign;
  readonly adId: string;
}

/**
 * Events spread over a range as over busy and quiet hours (UTC), in the order of sending: exactly
 * `events` of them, with event times within `[fromMs, toMs)`.
 */
export function* trafficOver(
  options: Omit<TrafficOptions, "notBeforeMs">,
  range: { readonly fromMs: number; readonly toMs: number },
  events: number,
): Generator<TrafficEvent> {
  const generator = new TrafficGenerator({ ...options, notBeforeMs: range.fromMs });
  const instants = createRandom(`${options.seed}/instants`);
  const hourOfDay = (instantMs: number) => new Date(instantMs).getUTCHours();
  for (const instantMs of busyInstants(instants, range, events, hourOfDay)) {
    yield generator.next(instantMs);
  }
}

/** Deterministic: the same options and the same moments give the same events, byte for byte. */
export class TrafficGenerator {
  readonly #options: TrafficOptions;
  readonly #mix: TrafficMix;
  readonly #random: Random;
  readonly #pickCampaign: (random: Random) => TrafficCampaign;
  /** When a person last clicked an ad, event time, by person and ad. */
  readonly #clicked = new Map<string, number[]>();
  /** Who clicked what of late, to buy there. */
  readonly #visits: Visit[] = [];
  #recent: { readonly event: TrafficEvent; readonly sentMs: number }[] = [];
  #seq = 0;

  constructor(options: TrafficOptions) {
    const { campaigns } = options.catalogue;
    this.#options = options;
    this.#mix = options.mix ?? MIX_DEFAULT;
    this.#random = createRandom(options.seed);
    this.#pickCampaign = createPicker(
      campaigns,
      campaigns.map(({ share }) => share),
    );
  }

  /** The event that is sent at a moment; its event time lies shortly before, or long when late. */
  next(nowMs: number): TrafficEvent {
    const seq = this.#seq;
    this.#seq += 1;
    const random = this.#random;
    this.#recent = this.#recent.filter(({ sentMs }) => nowMs - sentMs < RETRY_WITHIN_MS);
    if (this.#recent.length > 0 && random.chance(this.#mix.duplicates)) {
      return { ...random.pick(this.#recent).event, seq, expected: "duplicate" };
    }
    if (random.chance(this.#mix.malformed)) {
      return this.#event(seq, nowMs, "rejected", this.#person(), random.pick(DAMAGES));
    }
    if (random.chance(this.#mix.tests)) {
      return this.#event(seq, nowMs, "test", this.#person(), { test: true });
    }
    if (random.chance(this.#mix.robots)) {
      const robot = pickRobot(random, this.#options.catalogue.geos);
      return this.#event(seq, nowMs, "bot_user_agent", robot, {});
    }
    const event = this.#event(seq, nowMs, "valid", this.#person(), {});
    this.#recent.push({ event, sentMs: nowMs });
    if (this.#recent.length > RECENT_MAX) this.#recent.shift();
    return event;
  }

  #person(): Visitor {
    const { catalogue, people = PEOPLE_DEFAULT } = this.#options;
    return pickPerson(this.#random, catalogue.geos, people);
  }

  #event(
    seq: number,
    nowMs: number,
    expected: ExpectedOutcome,
    drawnVisitor: Visitor,
    changes: Readonly<Record<string, unknown>>,
  ): TrafficEvent {
    const random = this.#random;
    const late = random.chance(this.#mix.late);
    const agoMs = late
      ? LATE_MS_MIN + random.below(LATE_MS_MAX - LATE_MS_MIN)
      : random.below(DELAY_MS_MAX);
    const eventTimeMs = Math.max(nowMs - agoMs, this.#options.notBeforeMs ?? 0);
    const drawnType = expected === "rejected" ? "click" : pickType(random);
    const drawnCampaign = this.#pickCampaign(random);
    const drawn = {
      visitor: drawnVisitor,
      campaign: drawnCampaign,
      adId: random.pick(drawnCampaign.adIds),
    };
    const isConversion = expected === "valid" && drawnType === "conversion";
    const visit = (isConversion ? this.#visitToConvert() : null) ?? drawn;
    const { visitor, campaign, adId } = visit;
    const eventId = this.#eventId(seq);
    const isClick = expected === "valid" && drawnType === "click";
    const isDoubled =
      isClick && this.#isDoubled(`${visitor.userId}/${campaign.id}/${adId}`, eventTimeMs);
    if (isClick && !isDoubled) this.#remember(visit);
    const type = isDoubled ? "impression" : drawnType;
    const fields = {
      schema_version: 1,
      event_type: type,
      event_id: eventId,
      event_time: new Date(eventTimeMs).toISOString(),
      campaign_id: campaign.id,
      ad_id: adId,
      publisher_id: random.pick(this.#options.catalogue.publisherIds),
      user_id: visitor.userId,
      geo: visitor.geo,
      device: visitor.device,
      ip: visitor.ip,
      user_agent: visitor.userAgent,
      ...(type === "conversion"
        ? { conversion_value_micros: random.below(CONVERSION_MICROS_MAX) }
        : {}),
      ...changes,
    };
    return {
      seq,
      expected,
      event_type: type,
      event_id: eventId,
      campaign_id: campaign.id,
      event_time: eventTimeMs,
      late,
      event: JSON.stringify(fields),
    };
  }

  /** Whether a click would be a double click, which the ledger has no word for; remembers it if not. */
  #isDoubled(key: string, eventTimeMs: number): boolean {
    const times = this.#clicked.get(key) ?? [];
    if (times.some((timeMs) => Math.abs(timeMs - eventTimeMs) <= DOUBLE_CLICK_MS)) return true;
    if (this.#clicked.size >= CLICKED_MAX) this.#clicked.clear();
    this.#clicked.set(key, [...times.slice(1 - CLICKS_REMEMBERED), eventTimeMs]);
    return false;
  }

  /** Somebody who clicked of late; null for a conversion of somebody who did not. */
  #visitToConvert(): Visit | null {
    const random = this.#random;
    if (this.#visits.length === 0 || !random.chance(CONVERSIONS_OF_CLICKS)) return null;
    return random.pick(this.#visits);
  }

  #remember(visit: Visit): void {
    this.#visits.push(visit);
    if (this.#visits.length > VISITS_MAX) this.#visits.shift();
  }

  #eventId(seq: number): string {
    return `demo-${this.#options.seed.replace(/[^A-Za-z0-9_.-]/g, "_").slice(0, 40)}-${seq}`;
  }
}
