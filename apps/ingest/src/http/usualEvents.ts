/**
 * The usual request for events, taken without waiting where there is nothing to wait for: a bearer
 * key that is known, a body of JSON as it is, not large and of announced length, events that are all good as
 * they stand. Between its last byte and the log there is no promise; small ones wait for the end of
 * the loop's turn, where all that came in it are taken in one go (`moment.ts`). All else goes the
 * long way (`events.ts`), from where it stops being usual; what is answered and counted is the same
 * either way.
 */
import type { IncomingMessage } from "node:http";
import { ReusedBuffers } from "../domain/reusedBuffers.ts";
import { type Delivery, OpenBody } from "../pipeline/acceptEvents.ts";
import type { Answer } from "./answer.ts";
import type { Sender } from "./authenticate.ts";
import {
  acceptedAnswer,
  clientGone,
  conclude,
  type EventsDependencies,
  LARGE_BODY_BYTES,
  notStored,
  receiveOpened,
} from "./events.ts";
import type { Exchange, Shortcut } from "./exchange.ts";
import { KnownSenders } from "./knownSenders.ts";
import { Moment } from "./moment.ts";
import { readAnnounced } from "./readBody.ts";
import type { Refused } from "./refusal.ts";
import { announcedBytes, isPurposeUnsaid } from "./requestHeaders.ts";

const ROUTE = "/v1/events";
/** Larger bodies are opened as they come: of their own time little is lost to cold caches, bytes. */
const GATHERED_BYTES_MAX = 16_384;
/** Bodies of each size whose memory is kept, so 16 MiB in all. */
const BODIES_KEPT_MAX = 8;

export function createUsualEvents(dependencies: EventsDependencies): Shortcut {
  const senders = new KnownSenders(dependencies.authentication);
  const buffers = new ReusedBuffers(BODIES_KEPT_MAX);
  const received = new Moment<Received>(({ request, body, giveBack }) => {
    request.open(body, giveBack);
  });
  return (request, exchange) => {
    const length = usualLength(request);
    const known = length === 0 ? null : senders.find(request, exchange.receivedAtMs);
    if (known === null || !dependencies.inFlight.take(2 * length)) return false;
    exchange.route = ROUTE;
    const usual = new UsualRequest(dependencies, received, exchange, 2 * length, {
      source: known.source,
      connection: known.connection,
      ingestTimeMs: exchange.receivedAtMs,
    });
    readAnnounced(request, length, buffers, usual.receive);
    return true;
  };
}

/** Bytes of the body of a request that is usual as far as its head says; 0 of any other. */
function usualLength(request: IncomingMessage): number {
  if (request.method !== "POST" || request.url !== ROUTE) return 0;
  const { headers } = request;
  const isUsual =
    headers["content-type"] === "application/json" &&
    headers["content-encoding"] === undefined &&
    headers.host !== undefined &&
    isPurposeUnsaid(request);
  const length = isUsual ? (announcedBytes(request) ?? 0) : 0;
  return length > LARGE_BODY_BYTES ? 0 : length;
}

/** A body that is there. */
interface Received {
  readonly request: UsualRequest;
  readonly body: Buffer;
  readonly giveBack: () => void;
}

class UsualRequest {
  readonly #dependencies: EventsDependencies;
  readonly #received: Moment<Received>;
  readonly #exchange: Exchange;
  readonly #heldBytes: number;
  readonly #delivery: Delivery;

  constructor(
    dependencies: EventsDependencies,
    received: Moment<Received>,
    exchange: Exchange,
    heldBytes: number,
    delivery: Delivery,
  ) {
    this.#dependencies = dependencies;
    this.#received = received;
    this.#exchange = exchange;
    this.#heldBytes = heldBytes;
    this.#delivery = delivery;
  }

  /** @param body Null when the client went away. */
  readonly receive = (body: Buffer | null, giveBack: () => void): void => {
    if (body === null) {
      this.#conclude(clientGone());
      return;
    }
    this.#exchange.bodyRead(body.length);
    if (body.length > GATHERED_BYTES_MAX) this.open(body, giveBack);
    else this.#received.add({ request: this, body, giveBack });
  };

  /** Never throws. */
  open(body: Buffer, giveBack: () => void): void {
    try {
      this.#accept(body, giveBack);
    } catch (error) {
      this.#fail(error);
    }
  }

  #accept(body: Buffer, giveBack: () => void): void {
    const { acceptance, limits } = this.#dependencies;
    const delivery = this.#delivery;
    const opened = new OpenBody(acceptance, delivery, body, "json");
    const events = opened.plainCount;
    if (events === 0 || limits.take(delivery.source, events, delivery.ingestTimeMs) > 0) {
      receiveOpened(this.#dependencies, delivery, opened, body).then(
        (outcome) => this.#conclude(outcome),
        (error: unknown) => this.#fail(error),
      );
      return;
    }
    opened.appendPlain().then(
      () => this.#accepted(events),
      (error: unknown) => this.#notStored(error, events),
    );
    // What is kept of the body are its lines.
    giveBack();
  }

  #accepted(events: number): void {
    const { acceptance, inFlight } = this.#dependencies;
    inFlight.letGo(this.#heldBytes);
    acceptance.metrics.recordEvents(this.#delivery.source.id, { kind: "accepted", events });
    this.#exchange.answer(acceptedAnswer(events));
  }

  #notStored(error: unknown, events: number): void {
    try {
      this.#conclude(notStored(error, events));
    } catch (unforeseen) {
      this.#fail(unforeseen);
    }
  }

  #conclude(outcome: Answer | Refused): void {
    this.#dependencies.inFlight.letGo(this.#heldBytes);
    const sender: Sender = { source: this.#delivery.source, signed: null, headers: null };
    this.#exchange.answer(conclude(this.#dependencies, sender, outcome));
  }

  #fail(error: unknown): void {
    const { acceptance, inFlight } = this.#dependencies;
    inFlight.letGo(this.#heldBytes);
    const refused = { kind: "refused", status: 503, events: 1 } as const;
    acceptance.metrics.recordEvents(this.#delivery.source.id, refused);
    this.#exchange.fail(error);
  }
}
