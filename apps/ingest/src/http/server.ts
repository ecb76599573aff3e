/** The HTTP server: routes, limits and timeouts. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { errorAnswer } from "./answer.ts";
import {
  type Endpoint,
  Exchange,
  type ExchangeDependencies,
  type Shortcut,
  write,
} from "./exchange.ts";

const SECOND_MS = 1_000;
/** Slow clients hold a socket no longer than these. */
const HEADERS_TIMEOUT_MS = 10 * SECOND_MS;
const REQUEST_TIMEOUT_MS = 30 * SECOND_MS;
/** Longer than the idle timeout of common load balancers (60 s), so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65 * SECOND_MS;
const TIMEOUTS_CHECKED_EVERY_MS = SECOND_MS;
const HEADER_BYTES_MAX = 16_384;
const HEADERS_MAX = 128;
const CONNECTIONS_MAX = 10_000;
/** Longest path of an endpoint, parameters aside. */
const ROUTE_LENGTH_MAX = 64;
/** Endpoints by path, then by method. A path may end in the parameter `{token}`. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Endpoint>>>>;

type RouteMap = ReadonlyMap<string, Routes[string]>;

export interface ServerDependencies extends ExchangeDependencies {
  readonly routes: Routes;
  /** Asked first, of every request. */
  readonly shortcut: Shortcut;
}

export function createEdgeServer(dependencies: ServerDependencies): Server {
  // A map, since an object would take every path that strangers invent into V8's table of names.
  const routes: RouteMap = new Map(Object.entries(dependencies.routes));
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // Node would refuse a request without a host with an empty body; `respond` does it in JSON.
    requireHostHeader: false,
    // No stream for a body that the head says is none (decision 131).
    optimizeEmptyRequests: true,
  });
  server.maxHeadersCount = HEADERS_MAX;
  server.maxConnections = CONNECTIONS_MAX;
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const exchange = new Exchange(dependencies, request, response);
    if (dependencies.shortcut(request, exchange)) return;
    // An aborted request is seen by whoever reads the body; unheard, the event ends the process.
    request.on("error", ignore);
    response.on("error", ignore);
    void serve(routes, request, exchange);
  };
  server.on("request", onRequest);
  server.on("checkExpectation", (_request, response: ServerResponse) => {
    write(response, errorAnswer(417, "expectation_failed", "Expect only 100-continue."), true);
  });
  server.on("clientError", answerBrokenRequest);
  return server;
}

function ignore(): void {}

async function serve(
  routes: RouteMap,
  request: IncomingMessage,
  exchange: Exchange,
): Promise<void> {
  const { route, pathRest } = routeOf(routes, pathOf(request));
  exchange.route = route ?? "-";
  exchange.pathRest = pathRest;
  try {
    const endpoints = route === null ? undefined : routes.get(route);
    exchange.answer(await respond(endpoints, request, exchange));
  } catch (error) {
    exchange.fail(error);
  }
}

/** The path without its query; no host and no escapes, since none of ours needs one. */
function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function routeOf(routes: RouteMap, path: string) {
  // A token is not hashed to be looked up.
  if (path.length <= ROUTE_LENGTH_MAX && routes.has(path)) return { route: path, pathRest: "" };
  const restStart = path.lastIndexOf("/") + 1;
  const route = `${path.slice(0, restStart)}{token}`;
  const isKnown = routes.has(route);
  return { route: isKnown ? route : null, pathRest: isKnown ? path.slice(restStart) : "" };
}

function respond(
  endpoints: Routes[string] | undefined,
  request: IncomingMessage,
  exchange: Exchange,
): ReturnType<Endpoint> {
  if (request.headers.host === undefined && request.httpVersion !== "1.0") {
    return errorAnswer(400, "bad_request", "The Host header is missing.");
  }
  if (endpoints === undefined) return errorAnswer(404, "not_found", "There is nothing here.");
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  const endpoint = Object.hasOwn(endpoints, method) ? endpoints[method] : undefined;
  if (endpoint !== undefined) return endpoint(request, exchange);
  const methods = Object.keys(endpoints)
    .filter((known) => known !== "OPTIONS")
    .flatMap((known) => (known === "GET" ? ["GET", "HEAD"] : [known]));
  const headers = { Allow: [...methods, "OPTIONS"].join(", ") };
  if (method === "OPTIONS") return { status: 204, contentType: "", body: "", headers };
  return errorAnswer(405, "method_not_allowed", `Use ${methods.join(" or ")}.`, headers);
}

const BROKEN_REQUEST = new Map<unknown, readonly [number, string, string]>([
  ["HPE_HEADER_OVERFLOW", [431, "headers_too_large", "The headers are too large."]],
  ["ERR_HTTP_REQUEST_TIMEOUT", [408, "request_timeout", "The request took too long to arrive."]],
]);

/** Answers bytes that are no request of HTTP, by hand: there is no response object for them. */
function answerBrokenRequest(error: Error, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] = BROKEN_REQUEST.get("code" in error ? error.code : undefined) ?? [
    400,
    "bad_request",
    "This is not HTTP.",
  ];
  const { body } = errorAnswer(status, code, message);
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
