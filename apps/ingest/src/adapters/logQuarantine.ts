import { setTimeout as wait } from "node:timers/promises";
import { type AppendRequest, type EventLog, RECORD_BYTES_MAX } from "@trueclick/event-log";
import type { Quarantine, Quarantined } from "../ports/quarantine.ts";
import { TopicAppender, type TopicSettings } from "./topicAppender.ts";

/** The quarantine is a topic of one partition: it is read by people, in order. */
const PARTITION = 0;
/** Most received bytes kept of one item. As base64, with its frame, it stays within a record. */
const ITEM_BYTES_MAX = 524_288;
/** Bytes on their way to the log at once; beyond it, items are given up. */
const PENDING_BYTES_MAX = 8 * 1_048_576;
/** How long a sender waits for its rejected events to be kept, milliseconds. */
const KEEP_TIMEOUT_MS = 2_000;

export interface LogQuarantine extends Quarantine {
  /** Ends once what was handed over is settled. */
  close(): Promise<void>;
}

/** Appends what was refused to a topic of the event log, one item a record. */
export function createLogQuarantine(
  log: EventLog,
  settings: Omit<TopicSettings, "partitionCount">,
): LogQuarantine {
  const appender = new TopicAppender(log, { ...settings, partitionCount: 1 });
  let pendingBytes = 0;

  /** How many of the records were kept: all or none. */
  async function appendGroup(group: readonly AppendRequest[]): Promise<number> {
    const bytes = group.reduce((sum, record) => sum + record.value.length, 0);
    if (pendingBytes + bytes > PENDING_BYTES_MAX) return 0;
    pendingBytes += bytes;
    const append = appender
      .append(group)
      .then(() => group.length)
      .catch(() => 0)
      // Not at the deadline: until the log has settled it, the memory is held.
      .finally(() => {
        pendingBytes -= bytes;
      });
    const deadline = new AbortController();
    const late = wait(KEEP_TIMEOUT_MS, 0, { signal: deadline.signal }).catch(() => 0);
    const kept = await Promise.race([append, late]);
    deadline.abort();
    return kept;
  }

  return {
    async keep(items) {
      const kept = await Promise.all(toGroups(items.map(toRecord)).map(appendGroup));
      return kept.reduce((sum, count) => sum + count, 0);
    },
    close: () => appender.close(),
  };
}

function toRecord(item: Quarantined): AppendRequest {
  const line = JSON.stringify({
    received_at: item.receivedAtMs,
    source_id: item.sourceId,
    code: item.code,
    message: item.message,
    bytes_base64: Buffer.from(item.bytes.subarray(0, ITEM_BYTES_MAX)).toString("base64"),
    // More than what is kept, where an item was too large to be kept whole.
    bytes_received: item.bytes.length,
  });
  return { partition: PARTITION, value: Buffer.from(line) };
}

/** Groups that an adapter takes in one append: together no larger than one record may be. */
function toGroups(records: readonly AppendRequest[]): AppendRequest[][] {
  const groups: AppendRequest[][] = [];
  let groupBytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    if (groupBytes + record.value.length > RECORD_BYTES_MAX) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)?.push(record);
    groupBytes += record.value.length;
  }
  return groups;
}
