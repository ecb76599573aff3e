import { setTimeout as wait } from "node:timers/promises";
import { type AppendRequest, type EventLog, RECORD_BYTES_MAX } from "@trueclick/event-log";
import type { QuarantineRecord } from "@trueclick/shared/event/quarantined";
import type { Overflow, QuarantineBudget } from "../domain/quarantineBudget.ts";
import type { Quarantine, Quarantined } from "../ports/quarantine.ts";
import { TopicAppender, type TopicSettings } from "./topicAppender.ts";

/** The quarantine is a topic of one partition: it is read by people, in order. */
const PARTITION = 0;
/** Most received bytes kept of one item. As base64, with its frame, it stays within a record. */
const ITEM_BYTES_MAX = 524_288;
/** Bytes on their way to the log at once; beyond it, items are given up. */
const PENDING_BYTES_MAX = 8 * 1_048_576;
/** Counts of what was not kept, in one append. */
const OVERFLOW_RECORDS_MAX = 200;
/** How long a sender waits for its rejected events to be kept, milliseconds. */
const KEEP_TIMEOUT_MS = 2_000;

/** How often the counts of what was not kept are appended, milliseconds. */
const OVERFLOW_EVERY_MS = 10_000;

export interface LogQuarantine extends Quarantine {
  /** Appends the counts of what was not kept, and ends once what was handed over is settled. */
  close(): Promise<void>;
}

interface LogQuarantineSettings extends Omit<TopicSettings, "partitionCount"> {
  readonly budget: QuarantineBudget;
  readonly nowMs: () => number;
  readonly overflowEveryMs?: number;
}

/** Appends what was refused to a topic of the event log, one item a record, within a budget. */
export function createLogQuarantine(log: EventLog, settings: LogQuarantineSettings): LogQuarantine {
  const { budget, nowMs, overflowEveryMs = OVERFLOW_EVERY_MS } = settings;
  const appender = new TopicAppender(log, { ...settings, partitionCount: 1 });
  let pendingBytes = 0;

  /** Whether the records were kept: all or none. */
  async function appendGroup(group: readonly AppendRequest[]): Promise<boolean> {
    const bytes = group.reduce((sum, record) => sum + record.value.length, 0);
    if (pendingBytes + bytes > PENDING_BYTES_MAX) return false;
    pendingBytes += bytes;
    const append = appender
      .append(group)
      .then(() => true)
      .catch(() => false)
      // Not at the deadline: until the log has settled it, the memory is held.
      .finally(() => {
        pendingBytes -= bytes;
      });
    const deadline = new AbortController();
    const late = wait(KEEP_TIMEOUT_MS, false, { signal: deadline.signal }).catch(() => false);
    const isKept = await Promise.race([append, late]);
    deadline.abort();
    return isKept;
  }

  async function keepGroup(group: readonly QuarantineEntry[]): Promise<number> {
    const isKept = await appendGroup(group.map(({ record }) => record));
    if (isKept) return group.length;
    for (const { item } of group) budget.giveUp(item);
    return 0;
  }

  async function reportOverflow(): Promise<void> {
    const receivedAtMs = nowMs();
    const overflow = budget.takeOverflow();
    for (let from = 0; from < overflow.length; from += OVERFLOW_RECORDS_MAX) {
      const part = overflow.slice(from, from + OVERFLOW_RECORDS_MAX);
      const records = part.map((count) => toOverflowRecord(count, receivedAtMs));
      // Counted again: a count that is lost would hide that something is missing.
      if (!(await appendGroup(records))) for (const count of part) budget.count(count);
    }
  }

  const timer = setInterval(reportOverflow, overflowEveryMs).unref();
  return {
    async keep(items) {
      const admitted: Quarantined[] = [];
      for (const item of items) {
        if (budget.admits(item)) admitted.push(item);
        else budget.giveUp(item);
      }
      const groups = toGroups(admitted.map((item) => ({ item, record: toRecord(item) })));
      const kept = await Promise.all(groups.map(keepGroup));
      return kept.reduce((sum, count) => sum + count, 0);
    },
    close: async () => {
      clearInterval(timer);
      await reportOverflow();
      await appender.close();
    },
  };
}

interface QuarantineEntry {
  readonly item: Quarantined;
  readonly record: AppendRequest;
}

function toRecord(item: Quarantined): AppendRequest {
  return record({
    received_at: item.receivedAtMs,
    source_id: item.sourceId,
    code: item.code,
    message: item.message,
    bytes_base64: Buffer.from(item.bytes.subarray(0, ITEM_BYTES_MAX)).toString("base64"),
    // More than what is kept, where an item was too large to be kept whole.
    bytes_received: item.bytes.length,
    ...(item.userAgent === null ? {} : { user_agent: item.userAgent }),
    is_prefetch: item.isPrefetch,
  });
}

function toOverflowRecord({ sourceId, code, items }: Overflow, receivedAtMs: number) {
  return record({ received_at: receivedAtMs, source_id: sourceId, code, overflow: items });
}

function record(value: QuarantineRecord): AppendRequest {
  return { partition: PARTITION, value: Buffer.from(JSON.stringify(value)) };
}

/** Groups that an adapter takes in one append: together no larger than one record may be. */
function toGroups(entries: readonly QuarantineEntry[]): QuarantineEntry[][] {
  const groups: QuarantineEntry[][] = [];
  let groupBytes = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const bytes = entry.record.value.length;
    if (groupBytes + bytes > RECORD_BYTES_MAX) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)?.push(entry);
    groupBytes += bytes;
  }
  return groups;
}
