/** The HTTP server of the web app: what is the API's it answers, all else are pages. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Api } from "./api.ts";
import { apiAddressOf, toApiRequest } from "./apiRequest.ts";
import { writeAnswer } from "./writeAnswer.ts";

const SECOND_MS = 1_000;
/** Slow clients hold a socket no longer than these. */
const HEADERS_TIMEOUT_MS = 20 * SECOND_MS;
const REQUEST_TIMEOUT_MS = 60 * SECOND_MS;
/** Longer than the idle timeout of common load balancers (60 s), so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65 * SECOND_MS;
const TIMEOUTS_CHECKED_EVERY_MS = 5 * SECOND_MS;
const HEADER_BYTES_MAX = 16_384;

/** Draws pages, and hands out the files that they need. */
export type Pages = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

export interface WebServerParts {
  readonly api: Api;
  /** Pages that are asked for before wait for it. */
  readonly pages: Promise<Pages>;
  readonly webUrl: string;
  /** Then Next keeps a WebSocket to each browser. */
  readonly isDevelopment: boolean;
  /** Told of what is not the caller's mistake. */
  readonly onFault: (error: unknown) => void;
}

export interface WebServer {
  /**
   * Takes requests from now on.
   *
   * @param port 0 takes a free one. @returns the port. @throws {Error} where it cannot be had.
   */
  listen(port: number, host: string): Promise<number>;
  /** Takes no more, and resolves once those under way were answered, or cut off after `withinMs`. */
  stop(withinMs: number): Promise<void>;
}

export function createWebServer(parts: WebServerParts): WebServer {
  let isStopping = false;
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // Nothing else here speaks another protocol: such a request is answered as if it had not asked for one.
    shouldUpgradeCallback: () => parts.isDevelopment,
  });
  server.on("request", (incoming, outgoing) => {
    // A client that goes away is heard by who writes to it; unheard, the event would end the process.
    incoming.on("error", ignore);
    outgoing.on("error", ignore);
    outgoing.once("close", () => {
      // Who keeps its connection open would ask on it again.
      if (isStopping) incoming.socket.end();
    });
    void answer(parts, incoming, outgoing);
  });
  return {
    async listen(port, host) {
      server.listen(port, host);
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : port;
    },
    async stop(withinMs) {
      isStopping = true;
      const closed = once(server, "close");
      server.close();
      const timer = setTimeout(() => server.closeAllConnections(), withinMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function ignore(): void {}

async function answer(
  { api, pages, webUrl, onFault }: WebServerParts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    const url = apiAddressOf(incoming.url ?? "/", webUrl);
    const answering = url === null ? null : api.answer(toApiRequest(incoming, url));
    if (answering === null) await (await pages)(incoming, outgoing);
    else await writeAnswer(await answering, incoming, outgoing);
  } catch (error) {
    // Of a client that is gone nobody needs to hear.
    if (incoming.socket.destroyed) return;
    onFault(error);
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(500).end();
  }
}
