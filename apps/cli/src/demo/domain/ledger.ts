/** The ledger of a generator: one line for every event it sent, with what must become of it. */
import { EVENT_TYPES } from "@trueclick/shared/event/stored";
import { z } from "zod";

/**
 * What must become of an event in billing. `valid`, `duplicate`, `bot_user_agent` and `test` are
 * verdicts; `rejected` never gets past the edge.
 */
export const EXPECTED_OUTCOMES = [
  "valid",
  "duplicate",
  "bot_user_agent",
  "test",
  "rejected",
] as const;
export type ExpectedOutcome = (typeof EXPECTED_OUTCOMES)[number];

/** A line is the event as sent, in `event`, and beside it what the counts must say. */
export const ledgerEntrySchema = z.object({
  /** Place in the order of sending, from 0. */
  seq: z.int().nonnegative(),
  expected: z.enum(EXPECTED_OUTCOMES),
  event_type: z.enum(EVENT_TYPES),
  event_id: z.string(),
  campaign_id: z.string(),
  /** Event time, epoch milliseconds. */
  event_time: z.int(),
  /** Sent so long after its event time that the stream may have closed its window. */
  late: z.boolean(),
  /** The JSON text that was sent, byte for byte. */
  event: z.string(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;
