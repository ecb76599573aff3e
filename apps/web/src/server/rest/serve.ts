import type { z } from "zod";
import { getAuth } from "../auth.ts";
import { compose } from "../stores.ts";
import { errorAnswer, notFound, RestError } from "./answer.ts";
import { answerRequest, askEndpoint, type Endpoint } from "./endpoint.ts";
import type { AskServed } from "./served.ts";

interface RouteContext {
  /** Next gives a route without path parameters `undefined`, whatever its types say. */
  readonly params: Promise<Readonly<Record<string, string>> | undefined>;
}

type Answer = () => Response;

/** What Next calls for the other methods; without them it would answer with no body at all. */
interface OtherMethods {
  readonly POST: Answer;
  readonly PUT: Answer;
  readonly PATCH: Answer;
  readonly DELETE: Answer;
  readonly OPTIONS: Answer;
}

/** HEAD is answered by GET, without its body. */
const ALLOW = { Allow: "GET, HEAD, OPTIONS" };

/** An endpoint as the route handlers of Next, on the stores of this process. */
export function serve<Params extends z.ZodObject>(endpoint: Endpoint<Params>) {
  const ask: AskServed = (context, query) => askEndpoint(endpoint, context, query, {});
  const GET = async (request: Request, context: RouteContext): Promise<Response> => {
    const { stores, callers, served } = compose();
    served.set(endpoint.path, ask);
    return answerRequest(endpoint, request, (await context.params) ?? {}, {
      stores,
      callers,
      sessionUser: async (headers) => (await getAuth().api.getSession({ headers }))?.user ?? null,
      nowMs: Date.now(),
      onFault: writeFault,
    });
  };
  const refuse = () => {
    const error = new RestError(405, "method_not_allowed", "this address answers GET only");
    return errorAnswer(error, ALLOW);
  };
  return {
    GET,
    ...others(refuse),
    OPTIONS: () => new Response(null, { status: 204, headers: ALLOW }),
  };
}

/** For addresses that are none: a script that mistypes one gets an error in the shape of all others. */
export function serveNothing() {
  const nothing = () => errorAnswer(notFound("address"));
  return { GET: nothing, ...others(nothing) };
}

function others(answer: Answer): OtherMethods {
  return { POST: answer, PUT: answer, PATCH: answer, DELETE: answer, OPTIONS: answer };
}

/** The caller is told nothing of the inside; whoever runs the process is told all. */
function writeFault(error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `${JSON.stringify({ level: "error", msg: "REST request failed", message })}\n`,
  );
}
