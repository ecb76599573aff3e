/** The ledger of a generator: one line for every event it sent, with what must become of it. */
import type { EventType } from "@trueclick/shared/event/stored";

/**
 * What must become of an event in billing. `valid`, `duplicate`, `bot_user_agent` and `test` are
 * verdicts; `rejected` never gets past the edge.
 */
export type ExpectedOutcome = "valid" | "duplicate" | "bot_user_agent" | "test" | "rejected";

/** A line is the event as sent, in `event`, and beside it what the counts must say. */
export interface LedgerEntry {
  /** Place in the order of sending, from 0. */
  readonly seq: number;
  readonly expected: ExpectedOutcome;
  readonly event_type: EventType;
  readonly event_id: string;
  readonly campaign_id: string;
  /** Event time, epoch milliseconds. */
  readonly event_time: number;
  /** Sent so long after its event time that the stream may have closed its window. */
  readonly late: boolean;
  /** The JSON text that was sent, byte for byte. */
  readonly event: string;
}
