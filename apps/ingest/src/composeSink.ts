/** The log, with a spool before it where a folder is set for one. */
import { RECORD_BYTES_MAX } from "@trueclick/event-log";
import { partitionOf } from "@trueclick/event-log/partition";
import type { Logger } from "pino";
import { GroupedEventSink } from "./adapters/groupedEventSink.ts";
import type { LogEventSink } from "./adapters/logEventSink.ts";
import { SegmentSpool } from "./adapters/spool/segmentSpool.ts";
import { SpooledEventSink } from "./adapters/spool/spooledEventSink.ts";
import { openSpoolFolder } from "./adapters/spool/spoolFolder.ts";
import { lockSpoolFolder } from "./adapters/spool/spoolLock.ts";
import type { Env } from "./env.ts";
import type { LineSink } from "./ports/eventSink.ts";
import type { SpoolStats } from "./ports/spool.ts";

export interface ComposedSink {
  readonly sink: LineSink;
  /** How storing stands, in a word; throws when nothing can be stored. */
  readonly probe: () => Promise<string>;
  readonly spoolStats: (() => SpoolStats) | null;
  /** Ends spool and log, in this order. */
  close(): Promise<void>;
}

/** @throws {SpoolUnavailableError} Another process has the folder. */
export async function composeSink(
  env: Env,
  logger: Logger,
  log: LogEventSink,
): Promise<ComposedSink> {
  if (env.SPOOL_DIR === undefined) {
    const probe = () => log.ping().then(() => "ok");
    return {
      sink: new GroupedEventSink(log, RECORD_BYTES_MAX),
      probe,
      spoolStats: null,
      close: () => log.close(),
    };
  }
  const nowMs = () => Date.now();
  const folder = await openSpoolFolder(env.SPOOL_DIR);
  const unlock = await lockSpoolFolder(env.SPOOL_DIR);
  const spool = await SegmentSpool.open(folder, { bytesMax: env.SPOOL_BYTES_MAX, nowMs });
  const { records, tornBytes, damagedBytes, filesAside } = spool.stats();
  if (records > 0 || tornBytes > 0 || damagedBytes > 0 || filesAside > 0) {
    logger.warn({ records, tornBytes, damagedBytes, filesAside }, "spool taken over");
  }
  const sink = new SpooledEventSink(log, spool, {
    ...{ partitionOf, nowMs },
    partitionCountAssumed: env.EVENTS_PARTITIONS,
    blockBytesMax: RECORD_BYTES_MAX,
    spoolAfterMs: env.SPOOL_AFTER_MS,
    onDrainFault: (error) => logger.error({ err: error }, "the spool cannot be drained"),
  });
  return {
    sink: new GroupedEventSink(sink, RECORD_BYTES_MAX),
    probe: async () => {
      await sink.ping();
      return (await sink.isLogUp()) ? "ok" : "spooling";
    },
    spoolStats: () => spool.stats(),
    close: async () => {
      await sink.close();
      await log.close();
      await unlock();
    },
  };
}
