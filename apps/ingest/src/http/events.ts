/** `POST /v1/events`: authenticate, read, split, accept, answer. */
import type { IncomingMessage } from "node:http";
import { type RejectCode, reject } from "@trueclick/shared/event/rejection";
import type { SourceLimits } from "../domain/sourceLimits.ts";
import { type BodyFormat, REQUEST_EVENTS_MAX } from "../domain/splitBody.ts";
import {
  type Acceptance,
  type Delivery,
  OpenBody,
  quarantineBody,
  type ReceivedBody,
} from "../pipeline/acceptEvents.ts";
import type { AnsweredNonces } from "../ports/answeredNonces.ts";
import { SinkUnavailableError } from "../ports/eventSink.ts";
import { type Answer, errorAnswer, headerList, jsonAnswer } from "./answer.ts";
import {
  type AuthenticationDependencies,
  authenticate,
  type Sender,
  type Signed,
  unauthorized,
} from "./authenticate.ts";
import { decompress, decompressorOf } from "./contentEncoding.ts";
import { pageKey, preflightAnswer } from "./cors.ts";
import type { Endpoint, Exchange } from "./exchange.ts";
import type { InFlightBytes } from "./inFlightBytes.ts";
import { BODY_BYTES_MAX, readBody } from "./readBody.ts";
import { type Refused, refuse, unavailable } from "./refusal.ts";
import { announcedBytes, bodyFormat, connectionOf } from "./requestHeaders.ts";

/** In place of a source's id while it is not known. */
const SOURCE_UNKNOWN = "-";

export interface EventsDependencies {
  readonly acceptance: Acceptance;
  readonly authentication: AuthenticationDependencies;
  readonly inFlight: InFlightBytes;
  readonly limits: SourceLimits;
}

type Decompress = Exclude<ReturnType<typeof decompressorOf>, undefined>;

/** A body that is larger is opened in a turn of its own, and kept in another if it is refused, bytes. */
export const LARGE_BODY_BYTES = 262_144;

interface Described {
  readonly format: BodyFormat;
  readonly undoEncoding: Decompress;
}

/** Takes events. A 202 is sent only once every accepted event is on durable storage. */
export function createEventsEndpoint(dependencies: EventsDependencies): Endpoint {
  return async (request, exchange) => {
    const { authentication } = dependencies;
    const sender = await authenticate(authentication, request, exchange.receivedAtMs).catch(
      countFault(dependencies, SOURCE_UNKNOWN),
    );
    if ("refusal" in sender) return conclude(dependencies, null, sender);
    const answer = await receive(dependencies, sender, request, exchange).catch(
      countFault(dependencies, sender.source.id),
    );
    return conclude(dependencies, sender, answer);
  };
}

/** Counts what goes wrong unforeseen: the sender still has its events, the server answers 503. */
export function countFault({ acceptance }: EventsDependencies, source: string) {
  return (error: unknown): never => {
    acceptance.metrics.recordEvents(source, { kind: "refused", status: 503, events: 1 });
    throw error;
  };
}

/**
 * The answer to a sender, with the events counted that it turns away.
 *
 * @param sender Null while it is not known.
 */
export function conclude(
  { acceptance }: EventsDependencies,
  sender: Sender | null,
  outcome: Answer | Refused,
): Answer {
  const isRefused = "refusal" in outcome;
  if (isRefused) {
    const { refusal, events } = outcome;
    const counted = { kind: "refused", status: refusal.status, events } as const;
    acceptance.metrics.recordEvents(sender?.source.id ?? SOURCE_UNKNOWN, counted);
  }
  const answer = isRefused ? outcome.refusal : outcome;
  const headers = sender?.headers ?? null;
  if (headers === null) return answer;
  const { status, contentType, body } = answer;
  return { status, contentType, body, headers: { ...answer.headers, ...headers } };
}

/** `OPTIONS /v1/events`: what a browser asks before it sends for a page. */
export function createPreflightEndpoint({ authentication }: EventsDependencies): Endpoint {
  return async (request, { receivedAtMs }) => {
    if (pageKey(request) === null) return preflightAnswer(null);
    const sender = await authenticate(authentication, request, receivedAtMs);
    return preflightAnswer("source" in sender ? sender.headers : null);
  };
}

async function receive(
  dependencies: EventsDependencies,
  sender: Sender,
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
    const delivery = { source: sender.source, connection, ingestTimeMs: exchange.receivedAtMs };
    const body = await readBody(request);
    if (body.kind === "too_large") return bodyTooLarge();
    if (body.kind === "aborted") return clientGone();
    exchange.bodyRead(body.bytes.length);
    const acceptBody = () => receiveBody(dependencies, delivery, described, body.bytes);
    return sender.signed === null
      ? await acceptBody()
      : await answerOnce(dependencies.authentication.nonces, sender.signed, body.bytes, acceptBody);
  } finally {
    release();
  }
}

/** Reaches nobody: 499 is what the metrics call a client that went away. */
export function clientGone(): Refused {
  return refuse(499, "client_gone", "The client went away.");
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

/**
 * Answers a signed request, and a repeat of it as the first time. The answer is remembered after the
 * append: remembered before, a crash in between would have a repeat answered for events that are
 * lost. A refusal is not remembered, since nothing was taken. A repeat is not counted as received.
 */
async function answerOnce(
  nonces: AnsweredNonces,
  signed: Signed,
  body: Uint8Array,
  acceptBody: () => Promise<Answer | Refused>,
): Promise<Answer | Refused> {
  const bodySha256 = signed.sha256Of(body);
  if (bodySha256 === null) return unauthorized("The signature is not valid.");
  const before = await nonces.find(signed.nonce);
  if (before !== null) {
    // Answered as if it were the same, these events would be acked and nowhere (I1).
    if (before.bodySha256 !== null && before.bodySha256 !== bodySha256) {
      return unauthorized("The nonce was used for another body. Sign with a new one.");
    }
    return { status: before.status, body: before.body, contentType: "application/json" };
  }
  const answer = await acceptBody();
  if (!("refusal" in answer)) {
    await nonces.remember(signed.nonce, { ...answer, bodySha256 }, signed.expiresAtMs);
  }
  return answer;
}

async function receiveBody(
  { acceptance, limits }: EventsDependencies,
  delivery: Delivery,
  { format, undoEncoding }: Described,
  body: Buffer,
): Promise<Answer | Refused> {
  const unpacked = await decompress(body, undoEncoding);
  if (unpacked.kind === "too_large") return bodyTooLarge();
  if (unpacked.kind === "bad_encoding") {
    return rejectBody(acceptance, delivery, { code: "bad_encoding", bytes: body });
  }
  const { bytes } = unpacked;
  if (bytes.length > LARGE_BODY_BYTES) await acceptance.largeBodies.myTurn();
  const opened = new OpenBody(acceptance, delivery, bytes, format);
  return await receiveOpened({ acceptance, limits }, delivery, opened, bytes);
}

/**
 * Decides on a body that is open, and gives its buffer back.
 *
 * @param bytes The body, which is kept if it is no JSON.
 */
export async function receiveOpened(
  { acceptance, limits }: Pick<EventsDependencies, "acceptance" | "limits">,
  delivery: Delivery,
  opened: OpenBody,
  bytes: Buffer,
): Promise<Answer | Refused> {
  try {
    const { received } = opened;
    const events = received.kind === "events" ? received.count : 1;
    const waitMs = limits.take(delivery.source, events, delivery.ingestTimeMs);
    if (waitMs > 0) return { ...rateLimited(waitMs), events };
    switch (received.kind) {
      case "bad_json":
        return await rejectBody(acceptance, delivery, { code: "bad_json", bytes });
      case "empty":
        return refuse(400, "no_events", "There is no event in the body.");
      case "too_many":
        return refuse(413, "too_many_events", `Send at most ${REQUEST_EVENTS_MAX} events at once.`);
      case "events":
        return await accept(received);
    }
  } finally {
    opened.giveBack();
  }
}

function rateLimited(waitMs: number): Refused {
  const headers = { "Retry-After": String(Math.ceil(waitMs / 1_000)) };
  return refuse(429, "rate_limited", "The source sends more than it may. Send again.", headers);
}

async function rejectBody(
  acceptance: Acceptance,
  delivery: Delivery,
  { code, bytes }: { readonly code: RejectCode; readonly bytes: Uint8Array },
): Promise<Answer> {
  const { message } = reject(code);
  if (bytes.length > LARGE_BODY_BYTES) await acceptance.largeBodies.myTurn();
  await quarantineBody(acceptance, delivery, { code, message, bytes });
  return errorAnswer(400, code, message);
}

async function accept({
  count,
  accept: acceptEvents,
}: Extract<ReceivedBody, { readonly kind: "events" }>): Promise<Answer | Refused> {
  try {
    const receipt = await acceptEvents();
    if (receipt.rejected.length === 0) return acceptedAnswer(receipt.accepted);
    return jsonAnswer(receipt.accepted === 0 ? 422 : 202, receipt);
  } catch (error) {
    return notStored(error, count);
  }
}

/** The answer when the log did not take so many events. @throws the error, if that is not why. */
export function notStored(error: unknown, events: number): Refused {
  if (!(error instanceof SinkUnavailableError)) throw error;
  return {
    ...unavailable("log_unavailable", "The events could not be stored. Send again."),
    events,
  };
}

/** By the number of events, of which a request has only so many. */
const acceptedAnswers: (Answer | undefined)[] = [];

/** The answer when all events are accepted. */
export function acceptedAnswer(events: number): Answer {
  const known = acceptedAnswers[events];
  if (known !== undefined) return known;
  const answer = jsonAnswer(202, { accepted: events, rejected: [] });
  const made = { ...answer, headerList: headerList(answer) };
  acceptedAnswers[events] = made;
  return made;
}
