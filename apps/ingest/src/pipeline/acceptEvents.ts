/**
 * What happens to the events of one request, in this order: check, stamp, append, quarantine.
 *
 * - Append before quarantine: a sender that hears 503 sends all of it again, and would fill the
 *   quarantine with copies. If the process dies between the two, nothing was answered and all of it
 *   comes again.
 * - Both before the answer: what is reported accepted is in the log, and what is reported rejected
 *   was offered to the quarantine.
 */
import type { EnvelopeContext } from "@trueclick/shared/event/envelope";
import type { RejectCode } from "@trueclick/shared/event/rejection";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import type { BlockLimits, Line } from "../domain/blocks.ts";
import type { LineBuffers } from "../domain/plain/lineBuffer.ts";
import type { PlainLinesContext } from "../domain/plain/plainLines.ts";
import type { PlainStampContext } from "../domain/plain/plainStamps.ts";
import type { Connection, Source } from "../domain/source.ts";
import type { BodyFormat, EventSpan, SplitBody } from "../domain/splitBody.ts";
import { connectionUserAgent } from "../domain/stamp.ts";
import type { EdgeMetrics } from "../ports/edgeMetrics.ts";
import { type LineSink, SinkUnavailableError } from "../ports/eventSink.ts";
import type { Quarantine, Quarantined } from "../ports/quarantine.ts";
import { OpenedBody, type ReadContext, type Rejected } from "./readEvents.ts";
import type { Turns } from "./turns.ts";

export interface Acceptance {
  readonly sink: LineSink;
  readonly quarantine: Quarantine;
  readonly metrics: EdgeMetrics;
  readonly stamps: Omit<PlainStampContext, "source" | "connection" | "ingestTimeMs">;
  readonly sha256Hex: EnvelopeContext["sha256Hex"];
  readonly partitionOf: BlockLimits["partitionOf"];
  readonly partitionOfBytes: PlainLinesContext["partitionOfBytes"];
  readonly lineBuffers: LineBuffers;
  readonly largeBodies: Turns;
  readonly yieldTurn: ReadContext["yieldTurn"];
}

export interface Delivery {
  readonly source: Source;
  readonly connection: Connection;
  /** When the edge took the request, epoch milliseconds. */
  readonly ingestTimeMs: number;
}

/** The answer to the sender, in the words of the wire. */
export interface Receipt {
  readonly accepted: number;
  readonly rejected: readonly {
    /** Place in the request, from 0. */
    readonly index: number;
    readonly code: RejectCode;
    readonly message: string;
  }[];
}

/** What a body holds, before anything is promised. */
export type ReceivedBody =
  | Exclude<SplitBody, { readonly kind: "events" }>
  | {
      readonly kind: "events";
      readonly count: number;
      /**
       * Appends what is good and quarantines what is not.
       *
       * @throws {SinkUnavailableError} None is promised, all may be sent again.
       */
      readonly accept: () => Promise<Receipt>;
    };

/** A body that is split, in a buffer that is lent to it until it is given back. */
export class OpenBody {
  readonly #acceptance: Acceptance;
  readonly #delivery: Delivery;
  readonly #partitionCount: number | null;
  readonly #lent: ReturnType<LineBuffers["lend"]>;
  readonly #opened: OpenedBody;

  constructor(acceptance: Acceptance, delivery: Delivery, bytes: Buffer, format: BodyFormat) {
    const { stamps, partitionOf, partitionOfBytes, sha256Hex, yieldTurn } = acceptance;
    this.#acceptance = acceptance;
    this.#delivery = delivery;
    this.#partitionCount = acceptance.sink.partitionCount();
    this.#lent = acceptance.lineBuffers.lend();
    this.#opened = new OpenedBody(bytes, format, this.#lent.buffer, {
      region: stamps.region,
      verifyToken: stamps.verifyToken,
      readUserAgent: stamps.readUserAgent,
      recallUserAgent: stamps.recallUserAgent,
      readIp: stamps.readIp,
      source: delivery.source,
      connection: delivery.connection,
      ingestTimeMs: delivery.ingestTimeMs,
      partitionOf,
      partitionOfBytes,
      sha256Hex,
      yieldTurn,
      // Not known yet: nothing will be appended, but all the rest is answered.
      partitionCount: this.#partitionCount ?? 1,
    });
  }

  get received(): ReceivedBody {
    const { split } = this.#opened;
    if (split.kind !== "events") return split;
    return { kind: "events", count: split.events.length, accept: () => this.#accept(split.events) };
  }

  /** How many events there are, if all are good as they stand and can be appended; else 0. */
  get plainCount(): number {
    return this.#partitionCount === null ? 0 : this.#opened.takenCount;
  }

  /** Appends the events of a body that are all good as they stand. @throws as `accept`. */
  appendPlain(): Promise<void> {
    return this.#append(this.#opened.takenLines);
  }

  /** Lets others have the buffer. */
  giveBack(): void {
    this.#lent.giveBack();
  }

  async #accept(events: readonly EventSpan[]): Promise<Receipt> {
    const { lines, rejected } = await this.#opened.judge(events);
    if (lines.length > 0) await this.#append(lines);
    return finish(this.#acceptance, this.#delivery, lines.length, rejected);
  }

  #append(lines: readonly Line[]): Promise<void> {
    const partitionCount = this.#partitionCount;
    if (partitionCount === null) return Promise.reject(notReached());
    const appended = this.#acceptance.sink.appendLines(
      this.#lent.buffer.bytes,
      lines,
      partitionCount,
    );
    // Others need it while this request waits for the log.
    this.giveBack();
    return appended;
  }
}

async function finish(
  acceptance: Acceptance,
  delivery: Delivery,
  accepted: number,
  rejected: readonly Rejected[],
): Promise<Receipt> {
  const { metrics } = acceptance;
  if (rejected.length > 0) await quarantine(acceptance, delivery, rejected);
  metrics.recordEvents(delivery.source.id, { kind: "accepted", events: accepted });
  for (const { code } of rejected) {
    metrics.recordEvents(delivery.source.id, { kind: "quarantined", code, events: 1 });
  }
  return {
    accepted,
    rejected: rejected.map(({ index, code, message }) => ({ index, code, message })),
  };
}

/** Keeps a body in which no event can be told from another. */
export async function quarantineBody(
  acceptance: Acceptance,
  delivery: Delivery,
  rejected: Omit<Rejected, "index" | "ok">,
): Promise<void> {
  await quarantine(acceptance, delivery, [rejected]);
  const outcome = { kind: "quarantined", code: rejected.code, events: 1 } as const;
  acceptance.metrics.recordEvents(delivery.source.id, outcome);
}

/** @throws {SinkUnavailableError} None is promised. */
export function appendEvent(acceptance: Acceptance, event: StoredEvent): Promise<void> {
  const { sink, partitionOf } = acceptance;
  const partitionCount = sink.partitionCount();
  if (partitionCount === null) return Promise.reject(notReached());
  const bytes = Buffer.from(JSON.stringify(event));
  const partition = partitionOf(event.event_id, partitionCount);
  return sink.appendLines(bytes, [{ partition, start: 0, end: bytes.length }], partitionCount);
}

function notReached(): SinkUnavailableError {
  return new SinkUnavailableError("The log was not reached yet");
}

async function quarantine(
  acceptance: Acceptance,
  { source, connection, ingestTimeMs }: Delivery,
  rejected: readonly Pick<Rejected, "code" | "message" | "bytes">[],
): Promise<void> {
  if (rejected.length === 0) return;
  const items = rejected.map(
    ({ code, message, bytes }): Quarantined => ({
      receivedAtMs: ingestTimeMs,
      sourceId: source.id,
      code,
      message,
      bytes,
      userAgent: connectionUserAgent(connection) ?? null,
      isPrefetch: connection.isPrefetch,
    }),
  );
  const kept = await acceptance.quarantine.keep(items);
  // Refused is refused, kept or not; but bytes that are gone cannot be replayed, so they show.
  if (kept < items.length) acceptance.metrics.recordQuarantineLoss(items.length - kept);
}
