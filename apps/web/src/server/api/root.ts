import { auditRouter } from "../../features/audit/server/router.ts";
import { billingRouter } from "../../features/billing/server/router.ts";
import { campaignsRouter } from "../../features/campaigns/server/router.ts";
import { dashboardRouter } from "../../features/dashboard/server/router.ts";
import { driftRouter } from "../../features/drift/server/router.ts";
import { pipelineRouter } from "../../features/pipeline/server/router.ts";
import { router } from "./trpc.ts";

export const appRouter = router({
  audit: auditRouter,
  billing: billingRouter,
  campaigns: campaignsRouter,
  dashboard: dashboardRouter,
  drift: driftRouter,
  pipeline: pipelineRouter,
});

export type AppRouter = typeof appRouter;
