import {
  type EventLogReader,
  type LogRecord,
  LogUnavailableError,
  OffsetOutOfRangeError,
  type TopicReader,
  TopicReplacedError,
} from "@trueclick/event-log";
import { SECOND_MS } from "@trueclick/shared/time";
import type { TopicIds } from "./topicIds.ts";

/** So old may the certainty be that the topic is still the one that was read before, while it is read … */
const CERTAIN_FOR_MS = 10 * SECOND_MS;
/** … and where reading starts, as nobody may have met the fault of its going away. */
const CERTAIN_AT_START_MS = SECOND_MS;

/** Told what an operator has to look at. Must not throw. */
export interface TopicObserver {
  /** What the log said of the topic: nothing is wrong, or what is. */
  looked(at: "same" | "replaced" | "producer_times"): void;
  /** Records that bear a time of their producer, which moves the watermark all the same. */
  producerTimes(partition: number, records: number): void;
}

interface Watched {
  readonly reader: TopicReader;
  readonly ids: TopicIds;
  readonly observer: TopicObserver;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

/**
 * A reader that hands out records of one topic only, the one that was read first under its name. A topic that
 * was deleted and made anew starts at offset 0, and once it is past a checkpoint it would be read from its
 * middle as if nothing had happened.
 *
 * The log is asked at `offsets`, with which all reading starts; after a fault of it before any more records
 * are given, since a topic that goes away is one; and else every ten seconds.
 *
 * A topic whose records bear their producers' times is not read either, as the watermark may depend on no
 * clock but the log's: it is unavailable until its setting is changed.
 */
export function sameTopicReader({ reader, ids, observer, nowMs }: Watched): TopicReader {
  let certainFromMs = Number.NEGATIVE_INFINITY;
  let faultAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    const startedMs = nowMs();
    const { topicId, timesBy } = await reader.facts();
    if (topicId !== null) {
      const known = await ids.firstSeen(topicId);
      if (known !== topicId) {
        observer.looked("replaced");
        throw new TopicReplacedError(reader.topic, known, topicId);
      }
    }
    if (timesBy === "producer") {
      observer.looked("producer_times");
      throw new LogUnavailableError(
        `Topic "${reader.topic}" keeps its producers' times, which may be anything; set ` +
          "message.timestamp.type=LogAppendTime on it, then it is read on",
      );
    }
    observer.looked("same");
    certainFromMs = startedMs;
  }

  /** @param sinceMs A look that began then or later will do. */
  async function assertSame(sinceMs: number): Promise<void> {
    while (certainFromMs < sinceMs) {
      looking ??= look().finally(() => {
        looking = null;
      });
      await looking;
    }
  }

  const read: EventLogReader["read"] = async (request) => {
    let records: readonly LogRecord[] = [];
    try {
      records = await reader.read(request);
      if (records.length > 0) await assertSame(Math.max(nowMs() - CERTAIN_FOR_MS, faultAtMs));
    } catch (error) {
      reader.release(records);
      faultAtMs = nowMs();
      // One made anew may not have come so far: say what it is, and not how long.
      if (error instanceof OffsetOutOfRangeError) await assertSame(faultAtMs);
      throw error;
    }
    const theirs = records.filter(({ timeBy }) => timeBy === "producer").length;
    if (theirs > 0) observer.producerTimes(request.partition, theirs);
    return records;
  };

  return {
    topic: reader.topic,
    get partitionCount() {
      return reader.partitionCount;
    },
    refreshPartitionCount: () => reader.refreshPartitionCount(),
    async endOffsets() {
      const ends = await reader.endOffsets();
      await assertSame(Math.max(nowMs() - CERTAIN_FOR_MS, faultAtMs));
      return ends;
    },
    facts: () => reader.facts(),
    read,
    release: (records) => reader.release(records),
    async offsets(partition) {
      const range = await reader.offsets(partition);
      await assertSame(Math.max(nowMs() - CERTAIN_AT_START_MS, faultAtMs));
      return range;
    },
    close: () => reader.close(),
  };
}
