import type { RestContext } from "./endpoint.ts";

/** Answers a query as the endpoint does for a caller who is known. */
export type AskServed = (context: RestContext, query: URLSearchParams) => Promise<Response>;

/** Endpoints whose routes were asked for, by path: the very code that answers requests. */
export type ServedEndpoints = Map<string, AskServed>;
