import { unexplainedDrift } from "@trueclick/db/queries/driftWatch";
import { pipelineHealth } from "@trueclick/db/queries/pipeline";
import { formatQuarantineId, listQuarantinePreviews } from "@trueclick/db/queries/quarantine";
import { operatorProcedure, router } from "../../../server/api/trpc.ts";

/** What one look shows; the API and the command line go further back. */
const REFUSED_SHOWN = 50;

export const pipelineRouter = router({
  health: operatorProcedure("pipeline:read").query(({ ctx }) => pipelineHealth(ctx.stores)),
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
