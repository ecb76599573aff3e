import { unexplainedDrift } from "@trueclick/db/queries/driftWatch";
import { pipelineHealth } from "@trueclick/db/queries/pipeline";
import { eventCost } from "@trueclick/db/queries/processorUse";
import { formatQuarantineId, listQuarantinePreviews } from "@trueclick/db/queries/quarantine";
import { operatorProcedure, router } from "../../../server/api/trpc.ts";

/** Micros of a US dollar, as public clouds list them; the API takes others. */
const LIST_PRICES = { coreHourMicros: 40_000, gbMonthMicros: 23_000 };
/** What one look shows; the API and the command line go further back. */
const REFUSED_SHOWN = 50;

export const pipelineRouter = router({
  health: operatorProcedure("pipeline:read").query(({ ctx }) => pipelineHealth(ctx.stores)),
  cost: operatorProcedure("pipeline:read").query(({ ctx }) =>
    eventCost(ctx.stores, LIST_PRICES, ctx.nowMs),
  ),
  drift: operatorProcedure("pipeline:read").query(({ ctx }) => unexplainedDrift(ctx.stores)),
  refused: operatorProcedure("pipeline:read").query(async ({ ctx }) => {
    const items = await listQuarantinePreviews(ctx.stores, {}, { limit: REFUSED_SHOWN });
    return items.map((item) => ({
      id: formatQuarantineId(item),
      receivedAtMs: item.receivedAtMs,
      sourceId: item.sourceId,
      code: item.code,
      message: item.message,
      preview: item.bytes.toString("utf8"),
      bytesReceived: item.bytesReceived,
      replayAccepted: item.replayOutcome?.accepted ?? null,
    }));
  }),
});
