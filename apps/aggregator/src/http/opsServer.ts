/** Health and metrics of the process, for probes and for Prometheus. Knows no event. */
import { createServer, type Server, type ServerResponse } from "node:http";

export interface OpsSources {
  /** Whether each part can do its work now, by name. */
  readonly readiness: () => ReadonlyMap<string, string>;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/** What `readiness` says of a part that can do its work. */
export const READY = "ready";

/** Longest time that a probe may take to send its request, milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * `GET /healthz`: the process is up. `GET /readyz`: 200 if every part is ready, else 503, each with
 * what it says. `GET /metrics`.
 */
export function createOpsServer(sources: OpsSources): Server {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      answer(response, 405, "text/plain", "method not allowed\n");
      return;
    }
    const path = (request.url ?? "/").split("?", 1)[0];
    respond(path, sources, response).catch(() => {
      answer(response, 500, "text/plain", "metrics are not available\n");
    });
  });
  return server;
}

async function respond(path: string | undefined, sources: OpsSources, response: ServerResponse) {
  if (path === "/healthz") {
    answer(response, 200, "text/plain", "ok\n");
  } else if (path === "/readyz") {
    const parts = sources.readiness();
    const ready = [...parts.values()].every((state) => state === READY);
    const body = JSON.stringify({ ready, parts: Object.fromEntries(parts) });
    answer(response, ready ? 200 : 503, "application/json", body);
  } else if (path === "/metrics") {
    const { contentType, text } = await sources.metrics();
    answer(response, 200, contentType, text);
  } else {
    answer(response, 404, "text/plain", "not found\n");
  }
}

function answer(response: ServerResponse, status: number, contentType: string, body: string) {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
  response.end(body);
}
