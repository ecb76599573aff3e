/** The API of this app: data for scripts (`/api/v1`), for pages (tRPC), sign-in, and how it is. */

import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { Stores } from "@trueclick/db/stores";
import { createContext } from "../api/context.ts";
import { appRouter } from "../api/root.ts";
import type { Auth } from "../auth.ts";
import { checkHealth } from "../health.ts";
import { badParameter, errorAnswer, RestError } from "../rest/answer.ts";
import { ENDPOINTS } from "../rest/endpoints/all.ts";
import type { KnownCallers } from "../rest/knownCallers.ts";
import { createRestRoutes } from "../rest/routes.ts";
import type { Warmth } from "../warmth.ts";
import type { ApiRequest } from "./apiRequest.ts";
import { answerBy, NOWHERE, READ, READ_AND_POST, type Route } from "./route.ts";

const REST = "/api/v1";
const TRPC = "/api/trpc";
const AUTH = "/api/auth/";
/** Procedures in one request; a page asks for far fewer. */
const BATCH_SIZE_MAX = 20;

export interface ApiParts {
  /** Where browsers find this app. */
  readonly webUrl: string;
  readonly stores: Stores;
  readonly auth: Auth;
  readonly callers: KnownCallers;
  readonly warmth: Warmth;
}

/** An answer, and whether it is sent piece by piece, as it is made. */
export interface ApiAnswer {
  readonly response: Response;
  readonly isStreamed: boolean;
}

export interface Api {
  /** Answers a request, whatever becomes of it; null for an address that is not the API's. */
  answer(request: ApiRequest): Promise<ApiAnswer> | null;
}

/** @param onFault Told of what is not the caller's mistake. */
export function createApi(parts: ApiParts, onFault: (error: unknown) => void): Api {
  const { webUrl, stores, callers, auth } = parts;
  const sessionUser = async (headers: Headers) =>
    (await auth.api.getSession({ headers }))?.user ?? null;
  const rest = createRestRoutes(ENDPOINTS, { stores, callers, sessionUser, onFault }, webUrl);
  const [health, trpc, signIn] = [healthRoute(parts), trpcRoute(parts), authRoute(auth)];
  const find = (path: string): Route | null => {
    if (path.startsWith(`${REST}/`)) return rest(path.slice(REST.length));
    if (path === REST) return NOWHERE;
    if (path === "/api/health") return health;
    if (isOneBelow(TRPC, path)) return trpc;
    return path.startsWith(AUTH) ? signIn : null;
  };
  return {
    answer(request) {
      const route = find(request.url.pathname);
      return route === null ? null : answerWhatever(route, request, onFault);
    },
  };
}

async function answerWhatever(
  route: Route,
  request: ApiRequest,
  onFault: (error: unknown) => void,
): Promise<ApiAnswer> {
  try {
    if (!isDecodable(request.url.pathname)) {
      throw badParameter("address", "is not encoded as an address");
    }
    const response = await answerBy(route, request);
    return { response, isStreamed: route.isStreamed ?? false };
  } catch (error) {
    if (error instanceof RestError) return { response: errorAnswer(error), isStreamed: false };
    onFault(error);
    const words = "the request failed on our side; try again";
    return {
      response: errorAnswer(new RestError(500, "internal", words)),
      isStreamed: false,
    };
  }
}

function isDecodable(path: string): boolean {
  if (!path.includes("%")) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

function isOneBelow(above: string, path: string): boolean {
  return path.startsWith(`${above}/`) && !path.includes("/", above.length + 1);
}

/** 200 only when both stores answer and the process is warm; what is not so is in the body. */
function healthRoute({ stores, warmth }: ApiParts): Route {
  return {
    methods: READ,
    answer: async () => {
      const health = await checkHealth(stores, warmth);
      return Response.json(health, {
        status: health.ok ? 200 : 503,
        headers: { "Cache-Control": "no-store" },
      });
    },
  };
}

function trpcRoute(parts: ApiParts): Route {
  return {
    methods: READ_AND_POST,
    isStreamed: true,
    answer: async (request) =>
      fetchRequestHandler({
        endpoint: TRPC,
        req: await request.whole(),
        router: appRouter,
        createContext: () => createContext(parts, request.headers),
        maxBatchSize: BATCH_SIZE_MAX,
      }),
  };
}

function authRoute(auth: Auth): Route {
  return {
    methods: READ_AND_POST,
    answer: async (request) => auth.handler(await request.whole()),
  };
}
