/** An address of the API, and by which methods it is asked. */
import { errorAnswer, notFound, RestError } from "../rest/answer.ts";
import type { ApiRequest } from "./apiRequest.ts";

export interface Route {
  /** Null: any, for they are all answered alike. `HEAD` is answered as `GET`, without the body. */
  readonly methods: ReadonlySet<string> | null;
  /** Whether the answer is sent piece by piece, as it is made. */
  readonly isStreamed?: boolean;
  answer(request: ApiRequest): Promise<Response>;
}

export const READ: ReadonlySet<string> = new Set(["GET", "HEAD"]);
export const READ_AND_POST: ReadonlySet<string> = new Set(["GET", "HEAD", "POST"]);

/** An address that is none: a script that mistypes one gets an error in the shape of all others. */
export const NOWHERE: Route = {
  methods: null,
  answer: async () => errorAnswer(notFound("address")),
};

/** Answers a request by its route, or says why that does not answer it. */
export async function answerBy(route: Route, request: ApiRequest): Promise<Response> {
  const { methods } = route;
  if (methods === null || methods.has(request.method)) return route.answer(request);
  const headers = { Allow: [...methods, "OPTIONS"].join(", ") };
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers });
  const words = [...methods].filter((method) => method !== "HEAD").join(" and ");
  const message = `this address answers ${words} only`;
  return errorAnswer(new RestError(405, "method_not_allowed", message), headers);
}
