/**
 * A load of requests over kept connections: each sends the next request when the answer to its last
 * one is there. Written on bare sockets, since a client of HTTP costs more than the servers do.
 */
import { connect, type Socket } from "node:net";
import { quantile } from "../harness/statistics.ts";
import { KEY } from "./edge.ts";

export interface LoadOptions {
  readonly port: number;
  /** Whole requests, head and body; sent in turn. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  /** Requests in all. */
  readonly count: number;
  /** The only status that counts as done; null if any does. */
  readonly status: number | null;
}

export interface LoadResult {
  readonly requestsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const HEAD_END = Buffer.from("\r\n\r\n");
/** As Node writes it, and as Fastify does. */
const LENGTHS = [Buffer.from("\r\nContent-Length: "), Buffer.from("\r\ncontent-length: ")];
const [ZERO, NINE] = [0x30, 0x39];

/** @throws if an answer has another status, or a connection ends. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  let left = options.count;
  const takeOne = () => {
    left -= 1;
    return left >= 0;
  };
  await Promise.all(
    Array.from({ length: options.connections }, (_, index) =>
      runConnection(options, index, takeOne, latenciesMs),
    ),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  latenciesMs.sort((a, b) => a - b);
  return {
    requestsPerS: latenciesMs.length / seconds,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}

/** Bytes of one read. Answers are some hundreds. */
const READ_BYTES = 16_384;

function runConnection(
  { port, requests, status }: LoadOptions,
  index: number,
  takeOne: () => boolean,
  latenciesMs: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = index;
    let sentMs = 0;
    let pending: Buffer | null = null;
    const expected = Buffer.from(`HTTP/1.1 ${status ?? ""}`);
    const taken = (chunk: Buffer) => {
      const answer: Buffer = pending === null ? chunk : Buffer.concat([pending, chunk]);
      const isWhole = answer.length >= lengthOf(answer);
      // What was read into is read into again.
      pending = isWhole ? null : Buffer.from(answer);
      if (!isWhole) return;
      if (expected.compare(answer, 0, expected.length) !== 0) {
        end(socket);
        reject(new Error(`Not ${status} but: ${answer.toString("latin1", 0, 600)}`));
        return;
      }
      latenciesMs.push(performance.now() - sentMs);
      send();
    };
    // Read into one buffer a connection: Node's streams take longer than the rest of this together.
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const callback = (bytes: number) => {
      taken(buffer.subarray(0, bytes));
      return true;
    };
    const socket = connect({
      ...{ port, host: "127.0.0.1", noDelay: true },
      onread: { buffer, callback },
    });
    const send = () => {
      if (!takeOne()) {
        end(socket);
        resolve();
        return;
      }
      sentMs = performance.now();
      socket.write(requests[next % requests.length] ?? "");
      next += 1;
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("The server closed a connection")));
  });
}

function end(socket: Socket): void {
  socket.removeAllListeners("close");
  socket.destroy();
}

/** Bytes of a whole answer; infinite while its head is not all there. */
function lengthOf(answer: Buffer): number {
  const headEnd = answer.indexOf(HEAD_END);
  if (headEnd === -1) return Number.POSITIVE_INFINITY;
  let bodyBytes = 0;
  for (const name of LENGTHS) {
    const at = answer.indexOf(name);
    if (at === -1 || at > headEnd) continue;
    for (let place = at + name.length; place < headEnd; place += 1) {
      const digit = answer[place] ?? 0;
      if (digit < ZERO || digit > NINE) break;
      bodyBytes = bodyBytes * 10 + digit - ZERO;
    }
    break;
  }
  return headEnd + HEAD_END.length + bodyBytes;
}

/** A request as it goes over the wire. */
export function requestOf(
  method: string,
  path: string,
  body: Buffer | null,
  { key = KEY, headers = [] }: { key?: string; headers?: readonly string[] } = {},
): Buffer {
  const head = [
    `${method} ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    `Authorization: Bearer ${key}`,
    ...headers,
    ...(body === null ? [] : ["Content-Type: application/json", `Content-Length: ${body.length}`]),
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body ?? Buffer.alloc(0)]);
}
