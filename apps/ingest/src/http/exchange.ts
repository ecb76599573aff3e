/** One request and the place of its answer: the only one that writes answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EdgeMetrics } from "../ports/edgeMetrics.ts";
import { type Answer, errorAnswer, headerList } from "./answer.ts";

/** Of a body that nobody wants, this much is read and thrown away so that the answer is heard. */
const DISCARD_BYTES_MAX = 4 * 1_048_576;

export type Endpoint = (request: IncomingMessage, exchange: Exchange) => Promise<Answer> | Answer;

/** Answers a request by itself, at once or later; or says that it will not. */
export type Shortcut = (request: IncomingMessage, exchange: Exchange) => boolean;

export interface ExchangeDependencies {
  readonly metrics: EdgeMetrics;
  readonly nowMs: () => number;
  readonly isStopping: () => boolean;
  /** Told of what no endpoint expected. The client hears only that it happened. */
  readonly onFault: (error: unknown) => void;
}

export class Exchange {
  readonly receivedAtMs: number;
  /** The path as `/metrics` calls it; only our own: a stranger's would be a new time series each. */
  route = "-";
  /** What follows the last slash of a route that ends in a parameter; else empty. */
  pathRest = "";
  readonly #dependencies: ExchangeDependencies;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #startedAtMs = performance.now();
  #bodyBytes = 0;
  #isBodyRead = false;

  constructor(
    dependencies: ExchangeDependencies,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.receivedAtMs = dependencies.nowMs();
    this.#dependencies = dependencies;
    this.#request = request;
    this.#response = response;
  }

  /** To be told once all of the body is read, with its bytes. */
  bodyRead(bytes: number): void {
    this.#bodyBytes = bytes;
    this.#isBodyRead = true;
  }

  answer(answer: Answer): void {
    this.#dependencies.metrics.recordRequest(
      this.route,
      answer.status,
      performance.now() - this.#startedAtMs,
      this.#bodyBytes,
    );
    if (!this.#isBodyRead) discardRest(this.#request);
    // To HEAD, Node itself sends the headers alone.
    write(this.#response, answer, this.#dependencies.isStopping());
  }

  /** Answers after something that nobody foresaw. */
  fail(error: unknown): void {
    this.#dependencies.onFault(error);
    const headers = { "Retry-After": "1" };
    this.answer(errorAnswer(503, "internal", "Something went wrong here. Send again.", headers));
  }
}

export function write(response: ServerResponse, answer: Answer, isLast: boolean): void {
  if (response.destroyed || response.headersSent) return;
  const headers = answer.headerList ?? headerList(answer);
  response.writeHead(answer.status, isLast ? [...headers, "Connection", "close"] : headers);
  // Latin-1 goes out as it is, head and body in one piece.
  response.end(answer.body, answer.headerList === undefined ? "utf8" : "latin1");
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
