/**
 * Judges again what was refused once, as the source that sent it and at the time it came: ages are
 * reckoned from then, and the line is the same however often it is replayed. What is refused again is
 * answered and not kept a second time.
 */
import type { Source } from "../domain/source.ts";
import type { EdgeMetrics } from "../ports/edgeMetrics.ts";
import { type Acceptance, OpenBody, type Receipt, type ReceivedBody } from "./acceptEvents.ts";

export interface Refused {
  readonly source: Source;
  /** When the edge took it, epoch milliseconds. */
  readonly receivedAtMs: number;
  readonly bytes: Buffer;
  readonly userAgent: string | null;
  readonly isPrefetch: boolean;
  /** Says what would come of it, and appends nothing. */
  readonly isDryRun: boolean;
}

/** @throws {SinkUnavailableError} Nothing is promised; it may be replayed again. */
export async function replayQuarantined(acceptance: Acceptance, item: Refused): Promise<Receipt> {
  const { source, receivedAtMs, userAgent, isPrefetch, isDryRun, bytes } = item;
  const { sink, metrics } = acceptance;
  // It was counted as received and quarantined when it came, and is not received again.
  const silent: EdgeMetrics = {
    ...metrics,
    recordEvents: () => {},
    recordQuarantineLoss: () => {},
  };
  const again: Acceptance = {
    ...acceptance,
    metrics: silent,
    quarantine: { keep: async (items) => items.length },
    sink: {
      partitionCount: () => sink.partitionCount(),
      append: async (blocks) => (isDryRun ? undefined : await sink.append(blocks)),
      appendLines: async (bytes, lines, partitionCount) =>
        isDryRun ? undefined : await sink.appendLines(bytes, lines, partitionCount),
      ping: () => sink.ping(),
    },
  };
  const connection = { ip: null, userAgent, isPrefetch };
  const delivery = { source, connection, ingestTimeMs: receivedAtMs };
  const body = new OpenBody(again, delivery, bytes, "either");
  const receipt = await acceptAll(body.received).finally(() => body.giveBack());
  if (!isDryRun) metrics.recordReplay(source.id, receipt.accepted, receipt.rejected.length);
  return receipt;
}

async function acceptAll(received: ReceivedBody): Promise<Receipt> {
  if (received.kind === "events") return await received.accept();
  const message = "No event can be told from another.";
  return { accepted: 0, rejected: [{ index: 0, code: "bad_json", message }] };
}
