/** Answers as values: an endpoint decides, the server writes. */
import type { IncomingMessage } from "node:http";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an endpoint is handed beside the request. */
export interface Exchange {
  /** When the request's headers were read, epoch milliseconds. */
  readonly receivedAtMs: number;
  /** What follows the last slash of a route that ends in a parameter; else empty. */
  readonly pathRest: string;
  /** Counts bytes of the body as they are read, for the metrics. */
  readonly countBytes: (bytes: number) => void;
}

export type Endpoint = (request: IncomingMessage, exchange: Exchange) => Promise<Answer> | Answer;

export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, contentType: "application/json", body: JSON.stringify(value), headers };
}

/** Every error of the edge: `{"error": {"code", "message"}}`. The code is for programs. */
export function errorAnswer(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(status, { error: { code, message } }, headers);
}
