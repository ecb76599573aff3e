/** Requests byte by byte, for what no client of HTTP would send. */
import { connect, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";

/** A request's line, headers and body, as they are sent. */
export interface RawRequest {
  readonly target: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of this machine, where it is sent from. */
  readonly from?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As it is meant: unchunked and, where it was compressed, decompressed. */
  readonly text: string;
  /** Of the body as it was sent, without the marks of its chunks. */
  readonly bytes: number;
}

/** Sends a request, and reads until the server ends the connection. */
export async function askRaw(port: number, request: RawRequest): Promise<RawAnswer> {
  const { from: localAddress = "127.0.0.1" } = request;
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.write(toBytes(request, port));
  return toAnswer(await readAll(socket), request.method ?? "GET");
}

export function toBytes({ target, method = "GET", headers = {}, body }: RawRequest, port: number) {
  const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  const all = { Host: `127.0.0.1:${port}`, Connection: "close", ...length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}

/** All that comes until the end of the connection, also where that is a broken one. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {}).on("close", () => resolve());
  await promise;
  return Buffer.concat(chunks);
}

export function toAnswer(bytes: Buffer, method = "GET"): RawAnswer {
  const headEnd = bytes.indexOf("\r\n\r\n");
  const [first = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const rest = bytes.subarray(headEnd + 4);
  const isChunked = headers["transfer-encoding"] === "chunked" && method !== "HEAD";
  const body = isChunked ? unchunk(rest) : rest;
  const isGzip = headers["content-encoding"] === "gzip" && body.length > 0;
  const text = (isGzip ? gunzipSync(body) : body).toString();
  return { status: Number(first.split(" ")[1]), headers, text, bytes: body.length };
}

function unchunk(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const length = Number.parseInt(bytes.subarray(at, lineEnd).toString(), 16);
    if (!(length > 0)) break;
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return Buffer.concat(chunks);
}
