import type { z } from "zod";
import { getAuth } from "../auth.ts";
import { compose } from "../stores.ts";
import { answerRequest, type Endpoint } from "./endpoint.ts";

interface RouteContext {
  /** Next gives a route without path parameters `undefined`, whatever its types say. */
  readonly params: Promise<Readonly<Record<string, string>> | undefined>;
}

/** An endpoint as a route handler of Next, on the stores of this process. */
export function serve<Params extends z.ZodObject>(endpoint: Endpoint<Params>) {
  return async (request: Request, context: RouteContext): Promise<Response> =>
    answerRequest(endpoint, request, (await context.params) ?? {}, {
      stores: compose().stores,
      sessionUser: async (headers) => (await getAuth().api.getSession({ headers }))?.user ?? null,
      nowMs: Date.now(),
      onFault: writeFault,
    });
}

/** The caller is told nothing of the inside; whoever runs the process is told all. */
function writeFault(error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `${JSON.stringify({ level: "error", msg: "REST request failed", message })}\n`,
  );
}
