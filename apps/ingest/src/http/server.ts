/** The HTTP server: routes, limits, timeouts, and the one place that writes answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { EdgeMetrics } from "../ports/edgeMetrics.ts";
import { type Answer, type Endpoint, errorAnswer } from "./answer.ts";

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
/** Of a body that nobody wants, this much is read and thrown away so that the answer is heard. */
const DISCARD_BYTES_MAX = 4 * 1_048_576;

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Endpoints by path, then by method. A path may end in the parameter `{token}`. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Endpoint>>>>;

export interface ServerDependencies {
  readonly routes: Routes;
  readonly metrics: EdgeMetrics;
  readonly nowMs: () => number;
  readonly isStopping: () => boolean;
  /** Told of what no endpoint expected. The client hears only that it happened. */
  readonly onFault: (error: unknown) => void;
}

export function createEdgeServer(dependencies: ServerDependencies): Server {
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // Node would refuse a request without a host with an empty body; `respond` does it in JSON.
    requireHostHeader: false,
  });
  server.maxHeadersCount = HEADERS_MAX;
  server.maxConnections = CONNECTIONS_MAX;
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    handle(dependencies, request, response).catch(dependencies.onFault);
  };
  server.on("request", onRequest);
  server.on("checkExpectation", (_request, response: ServerResponse) => {
    write(response, errorAnswer(417, "expectation_failed", "Expect only 100-continue."), true);
  });
  server.on("clientError", answerBrokenRequest);
  return server;
}

async function handle(
  { routes, metrics, nowMs, isStopping, onFault }: ServerDependencies,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const receivedAtMs = nowMs();
  const startedAtMs = performance.now();
  // An aborted request is seen by whoever reads the body; unheard, the event ends the process.
  request.on("error", () => {});
  response.on("error", () => {});
  const { route, pathRest } = routeOf(routes, pathOf(request));
  let bodyBytes = 0;
  const countBytes = (bytes: number) => {
    bodyBytes += bytes;
  };
  let answer: Answer;
  try {
    const endpoints = route === null ? undefined : routes[route];
    answer = await respond(endpoints, request, { receivedAtMs, countBytes, pathRest });
  } catch (error) {
    onFault(error);
    answer = errorAnswer(503, "internal", "Something went wrong here. Send again.", {
      "Retry-After": "1",
    });
  }
  metrics.recordRequest({
    // Only our own paths: a stranger's would be a new time series each.
    route: route ?? "-",
    status: answer.status,
    durationMs: performance.now() - startedAtMs,
    bodyBytes,
  });
  discardRest(request);
  // To HEAD, Node itself sends the headers alone.
  write(response, answer, isStopping());
}

/** The path without its query; no host and no escapes, since none of ours needs one. */
function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function routeOf(routes: Routes, path: string) {
  if (Object.hasOwn(routes, path)) return { route: path, pathRest: "" };
  const restStart = path.lastIndexOf("/") + 1;
  const route = `${path.slice(0, restStart)}{token}`;
  const isKnown = Object.hasOwn(routes, route);
  return { route: isKnown ? route : null, pathRest: isKnown ? path.slice(restStart) : "" };
}

function respond(
  endpoints: Routes[string] | undefined,
  request: IncomingMessage,
  exchange: Parameters<Endpoint>[1],
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

function write(response: ServerResponse, answer: Answer, isLast: boolean): void {
  if (response.destroyed || response.headersSent) return;
  // Names and values in turn: what Node takes with the least work.
  const headers = ["Cache-Control", "no-store", "X-Content-Type-Options", "nosniff"];
  if (answer.status !== 204) {
    const length = String(Buffer.byteLength(answer.body));
    headers.push("Content-Type", answer.contentType, "Content-Length", length);
  }
  for (const [name, value] of Object.entries(answer.headers ?? NO_HEADERS)) {
    headers.push(name, value);
  }
  if (isLast) headers.push("Connection", "close");
  response.writeHead(answer.status, headers);
  response.end(answer.body);
}

/**
 * Reads on what an early answer left unread: a connection closed while the client still sends is
 * reset, and the client never sees why it was refused.
 */
function discardRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) request.socket.destroy();
  });
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
