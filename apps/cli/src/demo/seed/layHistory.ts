/** Lays the demo's past into the log. */
import { createHmac } from "node:crypto";
import type { EventLog } from "@trueclick/event-log";
import { partitionOf } from "@trueclick/event-log/partition";
import { sha256Hex } from "../../keys/hash.ts";
import { endOffsets } from "../../stack/endOffsets.ts";
import { type HistoryRange, type HistoryRecord, historyRecords } from "../domain/history.ts";
import { DEMO_ADVERTISERS } from "../domain/organisation.ts";
import { DEMO_SOURCE_ID } from "./seedAccess.ts";

/** Records handed to the log at once. */
const CHUNK_RECORDS = 4_000;

export interface LayHistoryOptions {
  readonly topic: string;
  readonly range: HistoryRange;
  /** Hex: key of the hash that stands for a user's address. */
  readonly ipHashKey: string;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number) => void;
}

/**
 * Appends the records of the past that are not in the log yet. The records are the same at every
 * try and nobody else appends, so of each partition the first `endOffset` are there already: a start
 * that died here is gone on with, and nothing is laid down twice.
 */
export async function layHistory(log: EventLog, options: LayHistoryOptions): Promise<void> {
  const { topic, signal } = options;
  const ends = await endOffsets(log, topic);
  const left = ends.map(Number);
  const admin = log.admin();
  try {
    const missing = pastRecords(options, ends.length).filter(({ partition }) => {
      const count = left[partition] ?? 0;
      left[partition] = count - 1;
      return count <= 0;
    });
    for (let from = 0; from < missing.length; from += CHUNK_RECORDS) {
      signal.throwIfAborted();
      await admin.restore(topic, missing.slice(from, from + CHUNK_RECORDS).map(toAppend));
      options.onProgress(Math.min(1, (from + CHUNK_RECORDS) / missing.length));
    }
  } finally {
    await admin.close();
  }
}

function pastRecords(options: LayHistoryOptions, partitionCount: number): HistoryRecord[] {
  const key = Buffer.from(options.ipHashKey, "hex");
  return historyRecords(DEMO_ADVERTISERS, options.range, {
    sourceId: DEMO_SOURCE_ID,
    region: "local",
    partitionOf: (eventId) => partitionOf(eventId, partitionCount),
    sha256Hex,
    // As the edge does: over the address's bytes, so that a user of the past is one of today.
    ipHash: (ip) =>
      createHmac("sha256", key)
        .update(Uint8Array.from(ip.split(".").map(Number)))
        .digest("hex"),
  });
}

function toAppend({ partition, appendTimeMs, value }: HistoryRecord) {
  return { partition, appendTimeMs, value: Buffer.from(value) };
}
