import { HOUR_MS } from "@trueclick/shared/time";
import type { EventSpans } from "./eventSpans.ts";
import type { KnownCampaign } from "./knownCampaigns.ts";
import { type Outcome, type OutcomeTotals, type StreamReject, totalOf } from "./outcomes.ts";
import { fieldAt } from "./storedFields.ts";

const CAMPAIGN_ID = fieldAt("campaign_id");
const EVENT_ID = fieldAt("event_id");

/** The place of an event in the log. */
export interface Place {
  readonly offset: bigint;
  readonly index: number;
  /** Of its record, epoch milliseconds. */
  readonly appendTimeMs: number;
}

/** What became of the events of one partition: a row for each that was not counted, and sums. */
export class Evidence {
  readonly #partition: number;
  readonly #totals: { -readonly [Kind in keyof OutcomeTotals]: number };
  #rejects: StreamReject[] = [];
  #outcomes = new Map<Outcome, number>();
  #counted = 0;
  #rescuable = 0;
  #degradedHoursMs = new Set<number>();

  constructor(partition: number, totals: OutcomeTotals) {
    this.#partition = partition;
    this.#totals = { ...totals };
  }

  get totals(): OutcomeTotals {
    return { ...this.#totals };
  }

  counted(): void {
    this.#totals.counted += 1;
    this.#counted += 1;
  }

  /** Notes that the hour of an event lacks it in some cube. */
  degraded(eventTimeMs: number): void {
    this.#degradedHoursMs.add(Math.floor(eventTimeMs / HOUR_MS) * HOUR_MS);
  }

  /** Notes a late event that a longer lateness would have let in. */
  rescuable(): void {
    this.#rescuable += 1;
  }

  reject(
    reason: StreamReject["reason"],
    spans: EventSpans,
    place: Place,
    campaign: KnownCampaign | null,
  ): void {
    this.#rejects.push({
      advertiserId: campaign?.advertiserId ?? "",
      campaignId: campaign?.campaignId ?? spans.text(CAMPAIGN_ID),
      eventId: spans.text(EVENT_ID),
      eventType: spans.eventTypeWord,
      eventTimeMs: spans.eventTimeMs,
      ...place,
      partition: this.#partition,
      reason,
    });
    this.#record(reason);
  }

  rejectUnparseable(place: Place): void {
    const nobody = { advertiserId: "", campaignId: "", eventId: "", eventType: "" } as const;
    const eventTimeMs = place.appendTimeMs;
    const reason = "unparseable";
    this.#rejects.push({ ...nobody, ...place, partition: this.#partition, eventTimeMs, reason });
    this.#record(reason);
  }

  /** Hands over what was noted since it was last asked. */
  take() {
    if (this.#counted > 0) this.#outcomes.set("counted", this.#counted);
    const outcomes: ReadonlyMap<Outcome, number> = this.#outcomes;
    const changes = {
      ...{ rejects: this.#rejects, outcomes, rescuable: this.#rescuable },
      degradedHoursMs: [...this.#degradedHoursMs],
    };
    this.#degradedHoursMs.clear();
    this.#rescuable = 0;
    this.#rejects = [];
    this.#outcomes = new Map();
    this.#counted = 0;
    return changes;
  }

  #record(outcome: Outcome): void {
    this.#totals[totalOf(outcome)] += 1;
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }
}
