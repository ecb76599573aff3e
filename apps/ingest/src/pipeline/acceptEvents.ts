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
import { type BlockLimits, gatherBlocks, toBlocks } from "../domain/blocks.ts";
import type { LineBuffers } from "../domain/plain/lineBuffer.ts";
import type { PlainLinesContext } from "../domain/plain/plainLines.ts";
import type { PlainStampContext } from "../domain/plain/plainStamps.ts";
import type { Connection, Source } from "../domain/source.ts";
import type { BodyFormat, SplitBody } from "../domain/splitBody.ts";
import { connectionUserAgent } from "../domain/stamp.ts";
import type { EdgeMetrics } from "../ports/edgeMetrics.ts";
import { type EventSink, SinkUnavailableError } from "../ports/eventSink.ts";
import type { Quarantine, Quarantined } from "../ports/quarantine.ts";
import { OpenedBody, type ReadContext, type Rejected } from "./readEvents.ts";

export interface Acceptance {
  readonly sink: EventSink;
  readonly quarantine: Quarantine;
  readonly metrics: EdgeMetrics;
  readonly stamps: Omit<PlainStampContext, "source" | "connection" | "ingestTimeMs">;
  readonly sha256Hex: EnvelopeContext["sha256Hex"];
  readonly partitionOf: BlockLimits["partitionOf"];
  readonly partitionOfBytes: PlainLinesContext["partitionOfBytes"];
  readonly blockBytesMax: BlockLimits["bytesMax"];
  readonly lineBuffers: LineBuffers;
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

/** Reads a body and hands its events to `use`, which accepts them or does not. */
export async function withEvents<Result>(
  acceptance: Acceptance,
  delivery: Delivery,
  { bytes, format }: { readonly bytes: Buffer; readonly format: BodyFormat },
  use: (received: ReceivedBody) => Promise<Result>,
): Promise<Result> {
  const { buffer, giveBack } = acceptance.lineBuffers.lend();
  const partitionCount = acceptance.sink.partitionCount();
  try {
    const opened = new OpenedBody(bytes, format, buffer, {
      ...{ ...acceptance.stamps, ...delivery },
      ...{ partitionOf: acceptance.partitionOf, partitionOfBytes: acceptance.partitionOfBytes },
      ...{ sha256Hex: acceptance.sha256Hex, yieldTurn: acceptance.yieldTurn },
      // Not known yet: nothing will be appended, but all the rest is answered.
      partitionCount: partitionCount ?? 1,
    });
    const { split } = opened;
    if (split.kind !== "events") return await use(split);
    const { events } = split;
    const accept = async () => {
      const { lines, rejected } = await opened.judge(events);
      if (lines.length > 0 && partitionCount === null) throw notReached();
      const limits = { partitionCount: partitionCount ?? 1, bytesMax: acceptance.blockBytesMax };
      const blocks = gatherBlocks(buffer.bytes, lines, limits);
      // Others need it while this request waits for the log.
      giveBack();
      if (blocks.length > 0) await acceptance.sink.append(blocks);
      return finish(acceptance, delivery, lines.length, rejected);
    };
    return await use({ kind: "events", count: events.length, accept });
  } finally {
    giveBack();
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
export async function appendEvents(
  acceptance: Acceptance,
  events: readonly StoredEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const partitionCount = acceptance.sink.partitionCount();
  if (partitionCount === null) throw notReached();
  const blocks = toBlocks(events, {
    partitionCount,
    partitionOf: acceptance.partitionOf,
    bytesMax: acceptance.blockBytesMax,
  });
  await acceptance.sink.append(blocks);
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
