import type { inferRouterOutputs } from "@trpc/server";
import type { AppRouter } from "../server/api/root.ts";

/** What every procedure answers, by router and name. */
export type ApiOutputs = inferRouterOutputs<AppRouter>;
