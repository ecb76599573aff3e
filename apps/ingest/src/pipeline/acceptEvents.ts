/**
 * What happens to the events of one request, in this order: check, stamp, append, quarantine.
 *
 * - Append before quarantine: a sender that hears 503 sends all of it again, and would fill the
 *   quarantine with copies. If the process dies between the two, nothing was answered and all of it
 *   comes again.
 * - Both before the answer: what is reported accepted is in the log, and what is reported rejected
 *   was offered to the quarantine.
 */
import { type EnvelopeContext, parseEnvelope } from "@trueclick/shared/event/envelope";
import type { RejectCode, Rejection } from "@trueclick/shared/event/rejection";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { type BlockLimits, toBlocks } from "../domain/blocks.ts";
import type { Connection, Source } from "../domain/source.ts";
import type { ReceivedEvent } from "../domain/splitBody.ts";
import { type StampContext, toStoredEvent } from "../domain/stamp.ts";
import type { EdgeMetrics } from "../ports/edgeMetrics.ts";
import { type EventSink, SinkUnavailableError } from "../ports/eventSink.ts";
import type { Quarantine, Quarantined } from "../ports/quarantine.ts";

export interface Acceptance {
  readonly sink: EventSink;
  readonly quarantine: Quarantine;
  readonly metrics: EdgeMetrics;
  readonly stamps: Pick<StampContext, "region" | "readUserAgent" | "hashIp" | "verifyToken">;
  readonly sha256Hex: EnvelopeContext["sha256Hex"];
  readonly partitionOf: BlockLimits["partitionOf"];
  readonly blockBytesMax: BlockLimits["bytesMax"];
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

interface Rejected extends Rejection {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** @throws {SinkUnavailableError} None is promised, all may be sent again. */
export async function acceptEvents(
  acceptance: Acceptance,
  delivery: Delivery,
  events: readonly ReceivedEvent[],
): Promise<Receipt> {
  const { good, bad } = judge(acceptance, delivery, events);
  await appendEvents(acceptance, good);
  await quarantine(acceptance, delivery, bad);

  const { metrics } = acceptance;
  metrics.recordEvents(delivery.source.id, { kind: "accepted", events: good.length });
  for (const { code } of bad) {
    metrics.recordEvents(delivery.source.id, { kind: "quarantined", code, events: 1 });
  }
  return {
    accepted: good.length,
    rejected: bad.map(({ index, code, message }) => ({ index, code, message })),
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

function judge(acceptance: Acceptance, delivery: Delivery, events: readonly ReceivedEvent[]) {
  const { source, ingestTimeMs } = delivery;
  const context = { ingestTimeMs, sourceId: source.id, sha256Hex: acceptance.sha256Hex };
  const good: StoredEvent[] = [];
  const bad: Rejected[] = [];
  for (const [index, { bytes, parsed }] of events.entries()) {
    const result = parsed.ok ? parseEnvelope(parsed.value, context) : parsed;
    if (result.ok) good.push(toStoredEvent(result.event, { ...delivery, ...acceptance.stamps }));
    else bad.push({ ...result, index, bytes });
  }
  return { good, bad };
}

/** @throws {SinkUnavailableError} None is promised. */
export async function appendEvents(
  acceptance: Acceptance,
  events: readonly StoredEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const partitionCount = acceptance.sink.partitionCount();
  if (partitionCount === null) throw new SinkUnavailableError("The log was not reached yet");
  const blocks = toBlocks(events, {
    partitionCount,
    partitionOf: acceptance.partitionOf,
    bytesMax: acceptance.blockBytesMax,
  });
  await acceptance.sink.append(blocks);
}

async function quarantine(
  acceptance: Acceptance,
  { source, ingestTimeMs }: Delivery,
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
    }),
  );
  const kept = await acceptance.quarantine.keep(items);
  // Refused is refused, kept or not; but bytes that are gone cannot be replayed, so they show.
  if (kept < items.length) acceptance.metrics.recordQuarantineLoss(items.length - kept);
}
