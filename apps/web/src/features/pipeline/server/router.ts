import { pipelineHealth } from "@trueclick/db/queries/pipeline";
import { operatorProcedure, router } from "../../../server/api/trpc.ts";

export const pipelineRouter = router({
  health: operatorProcedure("pipeline:read").query(({ ctx }) => pipelineHealth(ctx.stores)),
});
