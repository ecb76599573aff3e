/** What an endpoint is, and what happens to a request before and after it. */
import { ReportQueryError } from "@trueclick/db/routing/route";
import type { Stores } from "@trueclick/db/stores";
import type { Scope } from "@trueclick/shared/access";
import type { z } from "zod";
import { badParameter, errorAnswer, RestError } from "./answer.ts";
import { type Caller, identify, keySha256Of, requireScope, type SessionUser } from "./caller.ts";
import { isSameCaller, type KnownCallers } from "./knownCallers.ts";
import { parseParams } from "./params.ts";

export interface RestContext {
  readonly stores: Stores;
  readonly caller: Caller;
  readonly nowMs: number;
}

/** One address of the API. The OpenAPI document is made of these, so it says what is served. */
export interface Endpoint<Params extends z.ZodObject = z.ZodObject> {
  /** Below `/api/v1`, path parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly scope: Scope;
  /** About the installation, not about a tenant: for the operator's own staff. */
  readonly operatorOnly?: boolean;
  /** Of the path and the query. */
  readonly params: Params;
  /** What a 200 holds. */
  readonly answer: z.ZodType;
  /** Served as CSV too, or only. */
  readonly csv?: "also" | "only";
  /** A method, so that endpoints of any parameters make one list: each is given what its own schema parsed. */
  handle(context: RestContext, params: z.output<Params>): Promise<Response>;
}

/** Keeps the type of the parameters, so that a handler gets what its schema parses. */
export function defineEndpoint<Params extends z.ZodObject>(
  endpoint: Endpoint<Params>,
): Endpoint<Params> {
  return endpoint;
}

export interface RestDependencies {
  readonly stores: Stores;
  readonly sessionUser: SessionUser;
  /** Whose keys were good before. Without it, a request waits until it is known who asks. */
  readonly callers?: KnownCallers;
  readonly nowMs: number;
  /** Told of what is not the caller's mistake. */
  readonly onFault: (error: unknown) => void;
}

/** What an endpoint needs of a request. */
export interface Asked {
  readonly headers: Headers;
  readonly query: URLSearchParams;
}

/** Answers a request: who asks, whether it may, what it asks for, and only then the endpoint. */
export async function answerRequest<Params extends z.ZodObject>(
  endpoint: Endpoint<Params>,
  { headers, query }: Asked,
  path: Readonly<Record<string, string>>,
  dependencies: RestDependencies,
): Promise<Response> {
  try {
    return await answerCaller(headers, dependencies, (caller) => {
      const { stores, nowMs } = dependencies;
      return askEndpoint(endpoint, { stores, caller, nowMs }, query, path);
    });
  } catch (error) {
    if (error instanceof RestError) return errorAnswer(error);
    if (error instanceof ReportQueryError) {
      return errorAnswer(badParameter(error.parameter, error.message));
    }
    dependencies.onFault(error);
    return errorAnswer(new RestError(500, "internal", "the request failed on our side; try again"));
  }
}

/** Answers a caller who is known. @throws {RestError} 403 without the scope, 400 naming a parameter. */
export function askEndpoint<Params extends z.ZodObject>(
  endpoint: Endpoint<Params>,
  context: RestContext,
  query: URLSearchParams,
  path: Readonly<Record<string, string>>,
): Promise<Response> {
  requireScope(context.caller, endpoint.scope, endpoint.operatorOnly ?? false);
  return endpoint.handle(context, parseParams(endpoint.params, query, path));
}

/**
 * Answers whoever asks. Work for a key that was good before begins while it is looked up again, and is
 * thrown away unless the key still says the same: no answer leaves that this look-up does not allow, so
 * a key that was revoked is refused at once. Endpoints only read.
 */
async function answerCaller(
  headers: Headers,
  { stores, sessionUser, callers, nowMs }: RestDependencies,
  answer: (caller: Caller) => Promise<Response>,
): Promise<Response> {
  const keySha256 = keySha256Of(headers);
  const expected = keySha256 === null ? undefined : callers?.get(keySha256);
  const identifying = identify(stores.db, sessionUser, headers, nowMs);
  const early = expected === undefined ? null : settle(async () => answer(expected));
  const caller = await identifying;
  if (keySha256 !== null) callers?.keep(keySha256, caller);
  if (early !== null && expected !== undefined && isSameCaller(caller, expected)) {
    return (await early)();
  }
  return answer(caller);
}

/** What work came to, to be told later: a failure is nobody's until then. */
function settle<Value>(work: () => Promise<Value>): Promise<() => Value> {
  return work().then(
    (value) => () => value,
    (error: unknown) => () => {
      throw error;
    },
  );
}
