/** Requests as the API takes them, wherever they come from. */
import type { IncomingMessage } from "node:http";
import { badParameter, RestError } from "../rest/answer.ts";

/** Most bytes of a body; what pages send is a hundredth of it. */
const BODY_BYTES_MAX = 1_048_576;

export interface ApiRequest {
  readonly method: string;
  /** As its path is meant: without `.` and `..`, and with every escape as it was sent. */
  readonly url: URL;
  readonly headers: Headers;
  /**
   * The request with its body, for who reads that.
   *
   * @throws {RestError} 413 past the bound, 400 where the client stopped before its end.
   */
  whole(): Promise<Request>;
}

/**
 * The address that a request asks for, on the address of this app: whatever host a client names, nothing is
 * decided by it. Null where it is none of the API's, and for what is written in another way than we would write
 * it (an end of `/`, `//`, `\`, a whole URL): Next sends these to the address that they mean.
 */
export function apiAddressOf(target: string, webUrl: string): URL | null {
  if (!target.startsWith("/api")) return null;
  const query = target.indexOf("?");
  const path = query === -1 ? target : target.slice(0, query);
  if (path.includes("//") || path.includes("\\")) return null;
  const url = URL.parse(target, webUrl);
  return url === null || url.pathname.endsWith("/") ? null : url;
}

/** @param url Of `apiAddressOf`. */
export function toApiRequest(incoming: IncomingMessage, url: URL): ApiRequest {
  const { method = "GET" } = incoming;
  const headers = toHeaders(incoming);
  return {
    method,
    url,
    headers,
    whole: async () => {
      if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
      return new Request(url, { method, headers, body: await readBody(incoming) });
    },
  };
}

/** A request that was made in the process. */
export function ownRequest(request: Request): ApiRequest {
  const { method, headers } = request;
  return { method, headers, url: new URL(request.url), whole: async () => request };
}

/** With who sent it, where no proxy before us says so: tries to sign in are counted by that. */
function toHeaders({ headers: sent, socket }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(sent)) {
    if (typeof value === "string") headers.set(name, value);
    else for (const one of value ?? []) headers.append(name, one);
  }
  const address = socket.remoteAddress;
  if (address !== undefined && !headers.has("x-forwarded-for")) {
    headers.set("x-forwarded-for", address);
  }
  return headers;
}

/** Past the bound it stops listening; what is left is thrown away by Node once there is an answer. */
function readBody(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const tooLarge = new RestError(413, "too_large", `body: is longer than ${BODY_BYTES_MAX} bytes`);
  const cutOff = badParameter("body", "ended before its end");
  if (Number(incoming.headers["content-length"] ?? 0) > BODY_BYTES_MAX) {
    return Promise.reject(tooLarge);
  }
  if (incoming.destroyed) return Promise.reject(cutOff);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (end: () => void) => {
      incoming.off("data", onData).off("end", onEnd).off("close", onClose);
      end();
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > BODY_BYTES_MAX) settle(() => reject(tooLarge));
    };
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks)));
    const onClose = () => settle(() => reject(cutOff));
    incoming.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}
