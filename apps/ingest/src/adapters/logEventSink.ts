import type { EventLog, EventLogReader } from "@trueclick/event-log";
import type { AppendOutcome } from "../domain/sourceLimits.ts";
import { type EventSink, SinkUnavailableError } from "../ports/eventSink.ts";
import { TopicAppender, type TopicSettings } from "./topicAppender.ts";

/** After a failed append the edge says for this long that it is not ready, milliseconds. */
const UNREADY_AFTER_FAILURE_MS = 5_000;

export interface LogEventSink extends EventSink {
  /** Ends once what was handed over is settled. */
  close(): Promise<void>;
}

/** Appends events to a topic of the event log. */
export function createLogEventSink(
  log: EventLog,
  settings: TopicSettings & {
    readonly nowMs: () => number;
    /** Told when appends begin to fail, with the cause, and when they succeed again, with null. */
    readonly onStateChange: (cause: unknown) => void;
    /** Told of every append once it is settled. */
    readonly onAppend: (outcome: AppendOutcome) => void;
  },
): LogEventSink {
  const appender = new TopicAppender(log, settings);
  let reader: EventLogReader | null = null;
  let failedAtMs: number | null = null;

  return {
    partitionCount: () => appender.partitionCount,
    async append(blocks, onRead) {
      const startedAtMs = settings.nowMs();
      const settle = (isOk: boolean) =>
        settings.onAppend({ isOk, durationMs: settings.nowMs() - startedAtMs });
      try {
        await appender.append(blocks);
        onRead?.();
        settle(true);
        if (failedAtMs !== null) settings.onStateChange(null);
        failedAtMs = null;
      } catch (error) {
        settle(false);
        if (failedAtMs === null) settings.onStateChange(error);
        failedAtMs = settings.nowMs();
        throw error;
      }
    },
    async ping() {
      // A log can be read while it cannot be written (disk full), so the last append counts too.
      // Only for a while: without readiness nobody would try the next one.
      if (failedAtMs !== null && settings.nowMs() - failedAtMs < UNREADY_AFTER_FAILURE_MS) {
        throw new SinkUnavailableError("The last append failed");
      }
      if (appender.partitionCount === null) throw new SinkUnavailableError("Not reached yet");
      try {
        reader ??= await log.reader(settings.topic);
        await reader.offsets(0);
      } catch (cause) {
        throw new SinkUnavailableError("The log did not answer", { cause });
      }
    },
    async close() {
      await appender.close();
      await reader?.close();
    },
  };
}
