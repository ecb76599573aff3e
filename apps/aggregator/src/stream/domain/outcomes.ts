import type { EventType } from "@trueclick/shared/event/stored";
import { type StreamRejectReason, VERDICT_CLASS } from "@trueclick/shared/verdict";

/** Evidence: one event that the stream did not count, and why. Keyed by its coordinates. */
export interface StreamReject {
  /** Empty when the campaign was not known at the append time. */
  readonly advertiserId: string;
  readonly campaignId: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly index: number;
  /** Empty, like the type, for what could not be read. */
  readonly eventId: string;
  readonly eventType: EventType | "";
  readonly reason: StreamRejectReason;
  /** The append time for what could not be read. */
  readonly eventTimeMs: number;
  readonly appendTimeMs: number;
}

/** Every event of the log has exactly one. */
export type Outcome = "counted" | StreamRejectReason;

/** Events of the log up to an offset, by kind of outcome. What cannot be read is `invalid`. */
export interface OutcomeTotals {
  readonly counted: number;
  readonly duplicate: number;
  readonly invalid: number;
  readonly late: number;
}

export const NO_OUTCOMES: OutcomeTotals = { counted: 0, duplicate: 0, invalid: 0, late: 0 };

export function totalOf(outcome: Outcome): keyof OutcomeTotals {
  if (outcome === "counted" || outcome === "late") return outcome;
  if (outcome === "unparseable") return "invalid";
  return VERDICT_CLASS[outcome] === "duplicate" ? "duplicate" : "invalid";
}
