/**
 * A record of the quarantine's topic, one JSON object: something that the edge refused, with what is
 * needed to understand it and to judge it again; or how many such things it could not keep.
 */
import { z } from "zod";
import { ENTITY_ID_LENGTH_MAX, sourceIdSchema } from "../ids/ids.ts";
import { USER_AGENT_LENGTH_MAX } from "./envelope.ts";
import { REJECT_CODE_TEXT, type RejectCode } from "./rejection.ts";

const codeSchema = z.string().refine(isRejectCode);

const fields = {
  /** When the edge took the request, epoch milliseconds. */
  received_at: z.int().min(0),
  source_id: z.string().max(ENTITY_ID_LENGTH_MAX).pipe(sourceIdSchema),
  code: codeSchema,
};

export const quarantinedItemSchema = z.object({
  ...fields,
  message: z.string(),
  bytes_base64: z.base64(),
  /** More than `bytes_base64` holds, where it was too large to be kept whole. */
  bytes_received: z.int().min(0),
  user_agent: z.string().max(USER_AGENT_LENGTH_MAX).optional(),
  is_prefetch: z.boolean().default(false),
});

/** Items of one kind that were given up within a short time; `received_at` is its end. */
const overflowSchema = z.object({ ...fields, overflow: z.int().positive() });

export const quarantineRecordSchema = z.union([overflowSchema, quarantinedItemSchema]);
export type QuarantineRecord = z.input<typeof quarantineRecordSchema>;

function isRejectCode(value: string): value is RejectCode {
  return Object.hasOwn(REJECT_CODE_TEXT, value);
}
