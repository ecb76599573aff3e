/** Lays the demo's past into the log. */
import { createHmac } from "node:crypto";
import type { EventLog } from "@trueclick/event-log";
import { partitionOf } from "@trueclick/event-log/partition";
import { sha256Hex } from "../../keys/hash.ts";
import { endOffsets } from "../../stack/endOffsets.ts";
import {
  type HistoryRange,
  type HistoryRecord,
  type HistoryStamps,
  historyRecords,
} from "../domain/history.ts";
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
  const { topic, signal, range } = options;
  const ends = await endOffsets(log, topic);
  const left = ends.map(Number);
  const admin = log.admin();
  const fromMs = Date.parse(range.firstDay);
  let chunk: HistoryRecord[] = [];
  const flush = async () => {
    signal.throwIfAborted();
    const newestMs = chunk.at(-1)?.appendTimeMs;
    if (newestMs === undefined) return;
    await admin.restore(topic, chunk.map(toAppend));
    chunk = [];
    options.onProgress((newestMs - fromMs) / (range.toMs - fromMs));
  };
  try {
    for (const record of historyRecords(DEMO_ADVERTISERS, range, stampsOf(options, ends.length))) {
      const isThere = (left[record.partition] ?? 0) > 0;
      left[record.partition] = (left[record.partition] ?? 0) - 1;
      if (isThere) continue;
      chunk.push(record);
      if (chunk.length >= CHUNK_RECORDS) await flush();
    }
    await flush();
  } finally {
    await admin.close();
  }
}

function stampsOf({ ipHashKey }: LayHistoryOptions, partitionCount: number): HistoryStamps {
  const key = Buffer.from(ipHashKey, "hex");
  return {
    sourceId: DEMO_SOURCE_ID,
    region: "local",
    partitionOf: (eventId) => partitionOf(eventId, partitionCount),
    sha256Hex,
    // As the edge does: over the address's bytes, so that a user of the past is one of today.
    ipHash: (ip) =>
      createHmac("sha256", key)
        .update(Uint8Array.from(ip.split(".").map(Number)))
        .digest("hex"),
  };
}

function toAppend({ partition, appendTimeMs, value }: HistoryRecord) {
  return { partition, appendTimeMs, value: Buffer.from(value) };
}
