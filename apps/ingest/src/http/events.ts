/** `POST /v1/events`: authenticate, read, split, accept, answer. */
import type { IncomingMessage } from "node:http";
import { type RejectCode, reject } from "@trueclick/shared/event/rejection";
import type { Source } from "../domain/source.ts";
import { type BodyFormat, REQUEST_EVENTS_MAX, splitBody } from "../domain/splitBody.ts";
import {
  type Acceptance,
  acceptEvents,
  type Delivery,
  quarantineBody,
} from "../pipeline/acceptEvents.ts";
import { SinkUnavailableError } from "../ports/eventSink.ts";
import { type KeyDirectory, KeyDirectoryUnavailableError } from "../ports/keyDirectory.ts";
import { type Answer, type Endpoint, type Exchange, errorAnswer, jsonAnswer } from "./answer.ts";
import type { InFlightBytes } from "./inFlightBytes.ts";
import { BODY_BYTES_MAX, decompress, decompressorOf, readBody } from "./readBody.ts";
import { announcedBytes, bearerKey, bodyFormat, connectionOf } from "./requestHeaders.ts";

/** When a sender should try again after a 503, seconds. */
const RETRY_AFTER_S = 1;
/** In place of a source's id while it is not known. */
const SOURCE_UNKNOWN = "-";

export interface EventsDependencies {
  readonly acceptance: Acceptance;
  readonly keys: KeyDirectory;
  readonly inFlight: InFlightBytes;
}

type Decompress = Exclude<ReturnType<typeof decompressorOf>, undefined>;

interface Described {
  readonly format: BodyFormat;
  readonly undoEncoding: Decompress;
}

/** Takes events. A 202 is sent only once every accepted event is on durable storage. */
export function createEventsEndpoint(dependencies: EventsDependencies): Endpoint {
  const { metrics } = dependencies.acceptance;
  return async (request, exchange) => {
    const source = await authenticate(dependencies, request, exchange);
    const isKnown = "id" in source;
    const answer = isKnown ? await receive(dependencies, source, request, exchange) : source;
    if ("refusal" in answer) {
      const { refusal, events } = answer;
      const outcome = { kind: "refused", status: refusal.status, events } as const;
      metrics.recordEvents(isKnown ? source.id : SOURCE_UNKNOWN, outcome);
      return refusal;
    }
    return answer;
  };
}

/** An error answer with the events that it turns away; one where they could not be told apart. */
interface Refused {
  readonly refusal: Answer;
  readonly events: number;
}

function refuse(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refused {
  return { refusal: errorAnswer(status, code, message, headers), events: 1 };
}

function unavailable(code: string, message: string): Refused {
  return refuse(503, code, message, { "Retry-After": String(RETRY_AFTER_S) });
}

async function authenticate(
  { keys, acceptance }: EventsDependencies,
  request: IncomingMessage,
  { receivedAtMs }: Exchange,
): Promise<Source | Refused> {
  const unauthorized = (message: string) =>
    refuse(401, "unauthorized", message, { "WWW-Authenticate": 'Bearer realm="trueclick"' });
  const key = bearerKey(request);
  if (key === null) return unauthorized("Send the source's key: Authorization: Bearer <key>.");
  try {
    const found = await keys.find(acceptance.sha256Hex(key));
    const isExpired = found?.expiresAtMs != null && found.expiresAtMs <= receivedAtMs;
    // One answer for unknown, revoked and expired: a guesser learns nothing.
    if (found === null || isExpired) return unauthorized("The key is not valid.");
    return found.source;
  } catch (error) {
    if (!(error instanceof KeyDirectoryUnavailableError)) throw error;
    return unavailable("keys_unavailable", "Keys cannot be checked now. Send again.");
  }
}

async function receive(
  dependencies: EventsDependencies,
  source: Source,
  request: IncomingMessage,
  exchange: Exchange,
): Promise<Answer | Refused> {
  const described = describe(request);
  if ("refusal" in described) return described;
  // What comes in chunks or compressed may grow to the limit.
  const bytesMax = 2 * Math.min(announcedBytes(request) ?? BODY_BYTES_MAX, BODY_BYTES_MAX);
  const isPlain = request.headers["content-encoding"] === undefined;
  const release = dependencies.inFlight.hold(isPlain ? bytesMax : 2 * BODY_BYTES_MAX);
  if (release === null) return unavailable("overloaded", "Too much is under way. Send again.");
  try {
    const connection = connectionOf(request);
    const delivery = { source, connection, ingestTimeMs: exchange.receivedAtMs };
    return await receiveBody(dependencies, delivery, described, request, exchange);
  } finally {
    release();
  }
}

function describe(request: IncomingMessage): Described | Refused {
  const format = bodyFormat(request);
  if (format === null) {
    const types = "application/json, application/x-ndjson or text/plain, in UTF-8";
    return refuse(415, "unsupported_type", `Send ${types}.`);
  }
  const undoEncoding = decompressorOf(request.headers["content-encoding"]);
  if (undoEncoding === undefined) {
    const headers = { "Accept-Encoding": "gzip, deflate, br, zstd" };
    return refuse(415, "unsupported_encoding", "Send gzip, deflate, br, zstd or none.", headers);
  }
  if ((announcedBytes(request) ?? 0) > BODY_BYTES_MAX) return bodyTooLarge();
  return { format, undoEncoding };
}

function bodyTooLarge(): Refused {
  return refuse(413, "body_too_large", `A body has at most ${BODY_BYTES_MAX} bytes, unpacked.`);
}

async function receiveBody(
  { acceptance }: EventsDependencies,
  delivery: Delivery,
  { format, undoEncoding }: Described,
  request: IncomingMessage,
  { countBytes }: Exchange,
): Promise<Answer | Refused> {
  const body = await readBody(request);
  if (body.kind === "too_large") return bodyTooLarge();
  // 499 reaches nobody; it is what the metrics call a client that went away.
  if (body.kind === "aborted") return refuse(499, "client_gone", "The client went away.");
  countBytes(body.bytes.length);

  const unpacked = await decompress(body.bytes, undoEncoding);
  if (unpacked.kind === "too_large") return bodyTooLarge();
  if (unpacked.kind === "bad_encoding") {
    return rejectBody(acceptance, delivery, { code: "bad_encoding", bytes: body.bytes });
  }
  const split = splitBody(unpacked.bytes, format);
  switch (split.kind) {
    case "bad_json":
      return rejectBody(acceptance, delivery, { code: "bad_json", bytes: unpacked.bytes });
    case "empty":
      return refuse(400, "no_events", "There is no event in the body.");
    case "too_many":
      return refuse(413, "too_many_events", `Send at most ${REQUEST_EVENTS_MAX} events at once.`);
    case "events":
      return accept(acceptance, delivery, split.events);
  }
}

async function rejectBody(
  acceptance: Acceptance,
  delivery: Delivery,
  { code, bytes }: { readonly code: RejectCode; readonly bytes: Uint8Array },
): Promise<Answer> {
  const { message } = reject(code);
  await quarantineBody(acceptance, delivery, { code, message, bytes });
  return errorAnswer(400, code, message);
}

async function accept(
  acceptance: Acceptance,
  delivery: Delivery,
  events: Parameters<typeof acceptEvents>[2],
): Promise<Answer | Refused> {
  try {
    const receipt = await acceptEvents(acceptance, delivery, events);
    return jsonAnswer(receipt.accepted === 0 ? 422 : 202, receipt);
  } catch (error) {
    if (!(error instanceof SinkUnavailableError)) throw error;
    const refused = unavailable("log_unavailable", "The events could not be stored. Send again.");
    return { ...refused, events: events.length };
  }
}
