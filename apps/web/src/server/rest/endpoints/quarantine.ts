import { formatQuarantineId, listQuarantinePreviews } from "@trueclick/db/queries/quarantine";
import { z } from "zod";
import { jsonAnswer } from "../answer.ts";
import { listOf, pageParams, parseCursor, toPage } from "../cursor.ts";
import { defineEndpoint } from "../endpoint.ts";
import { instantParam } from "../params.ts";

const answer = listOf(
  z.object({
    id: z.string().describe("partition:offset in the quarantine's topic"),
    received_at: z.string(),
    source: z.string(),
    code: z.string(),
    message: z.string(),
    preview: z.string().describe("The first bytes as text; what is no UTF-8 shows as U+FFFD"),
    bytes_received: z.int(),
    replayed_at: z.string().nullable(),
    replay: z
      .object({
        accepted: z.int(),
        rejected: z.array(z.object({ code: z.string(), message: z.string() })),
      })
      .nullable()
      .describe("What came of its last replay"),
  }),
);

/** What the column of the instant can hold, and more than any clock shows. */
const RECEIVED_AT_MAX_MS = Date.UTC(2100, 0);

const itemKey = z.object({
  receivedAtMs: z.int().min(0).max(RECEIVED_AT_MAX_MS),
  partition: z.int32(),
  offset: z.string().regex(/^\d{1,18}$/),
});

export const quarantineEndpoint = defineEndpoint({
  path: "/quarantine",
  summary: "What the edge refused, newest first, with the reason",
  scope: "pipeline:read",
  operatorOnly: true,
  params: z.object({
    ...pageParams,
    source: z.string().optional().describe("Only of this source"),
    code: z.string().optional().describe("Only for this reason"),
    from: instantParam.optional().describe("Received from then on"),
    to: instantParam.optional().describe("Received before then"),
  }),
  answer,
  async handle({ stores }, { limit, cursor, source, code, from, to }) {
    const key = parseCursor(cursor, itemKey);
    const after = key === undefined ? null : { ...key, offset: BigInt(key.offset) };
    const filter = { sourceId: source, code, fromMs: from, toMs: to };
    const items = await listQuarantinePreviews(stores, filter, { limit: limit + 1, after });
    const page = toPage(items, limit, ({ receivedAtMs, partition, offset }) => {
      return { receivedAtMs, partition, offset: offset.toString() };
    });
    return jsonAnswer(answer, {
      ...page,
      rows: page.rows.map((item) => ({
        id: formatQuarantineId(item),
        received_at: new Date(item.receivedAtMs).toISOString(),
        source: item.sourceId,
        code: item.code,
        message: item.message,
        preview: item.bytes.toString("utf8"),
        bytes_received: item.bytesReceived,
        replayed_at: item.replayedAtMs === null ? null : new Date(item.replayedAtMs).toISOString(),
        replay: item.replayOutcome && {
          accepted: item.replayOutcome.accepted,
          rejected: [...item.replayOutcome.rejected],
        },
      })),
    });
  },
});
