import type { RejectCode } from "@trueclick/shared/event/rejection";

/** What became of the events of one request, a body that is no JSON counting as one event. */
type EventOutcome =
  | { readonly kind: "accepted"; readonly events: number }
  | { readonly kind: "quarantined"; readonly code: RejectCode; readonly events: number }
  /** Answered with an error: the sender still has them. */
  | { readonly kind: "refused"; readonly status: number; readonly events: number };

/**
 * The edge's counters. For each source, received = accepted + quarantined + refused, always:
 * received is not counted by itself but is the sum of what is recorded here.
 */
export interface EdgeMetrics {
  /** @param source Its id, or `-` while it is not known. Never what a stranger sent. */
  recordEvents(source: string, outcome: EventOutcome): void;
  /** Refused events that the quarantine could not keep. They are counted as quarantined too. */
  recordQuarantineLoss(events: number): void;
  /** Quarantined events that were judged again. They are not received a second time. */
  recordReplay(source: string, accepted: number, rejected: number): void;
  /** @param bodyBytes As received, before decompression. */
  recordRequest(route: string, status: number, durationMs: number, bodyBytes: number): void;
}
