/** A client that writes what it likes onto a socket: pieces, pauses, half requests, no HTTP at all. */
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/**
 * Without a word from the server for so long, nothing more is waited for, milliseconds. For what would
 * never come: a busy machine lets a server wait for seconds, and an answer left out would be a finding.
 */
const SILENCE_MS = 30_000;

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RawExchange {
  readonly port: number;
  /** Written one after the other; a number is a pause, milliseconds. */
  readonly pieces: readonly (Uint8Array | string | number)[];
  /** Methods of the requests, in order: an answer to HEAD has no body. */
  readonly methods: readonly string[];
  /** Hangs up after the last piece, whatever has been answered. */
  readonly hangsUp: boolean;
}

/** Every answer that came, in order, up to as many as there were methods. */
export async function exchangeRaw(exchange: RawExchange): Promise<RawAnswer[]> {
  const socket = connect(exchange.port, "127.0.0.1");
  const reader = new AnswerReader(exchange.methods);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  let isSent = false;
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    reader.take(chunk);
    if (isSent && reader.isDone()) socket.end();
  });
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  for (const piece of exchange.pieces) {
    if (!socket.writable) break;
    if (typeof piece === "number") await wait(piece);
    else socket.write(piece);
  }
  isSent = true;
  if (exchange.hangsUp) socket.destroySoon();
  else if (reader.isDone()) socket.end();
  await closed;
  return reader.answers;
}

class AnswerReader {
  readonly answers: RawAnswer[] = [];
  readonly #methods: readonly string[];
  #bytes = Buffer.alloc(0);

  constructor(methods: readonly string[]) {
    this.#methods = methods;
  }

  isDone(): boolean {
    return this.answers.length >= Math.max(this.#methods.length, 1);
  }

  take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#takeOne());
  }

  #takeOne(): boolean {
    const headEnd = this.#bytes.indexOf("\r\n\r\n");
    if (headEnd === -1) return false;
    const [statusLine = "", ...lines] = this.#bytes
      .subarray(0, headEnd)
      .toString("latin1")
      .split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
    const headers = new Map(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const bodyStart = headEnd + 4;
    const isEmpty = status === 204 || this.#methods[this.answers.length] === "HEAD";
    const bodyEnd = bodyStart + (isEmpty ? 0 : Number(headers.get("content-length") ?? 0));
    if (this.#bytes.length < bodyEnd) return false;
    const body = this.#bytes.subarray(bodyStart, bodyEnd).toString("utf8");
    this.#bytes = this.#bytes.subarray(bodyEnd);
    // What says only «go on» is no answer yet.
    if (status >= 200) this.answers.push({ status, headers, body });
    return true;
  }
}
