import type { EventLogReader } from "@trueclick/event-log";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { EngineCheckpoint } from "../domain/partitionEngine.ts";
import type { StreamObserver } from "../ports/streamObserver.ts";

/** What the observer needs of pino. */
interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface PromStreamObserver extends StreamObserver {
  /** What each partition of this process does: `ready`, or what it waits for. */
  states(): ReadonlyMap<number, string>;
}

const READY = "ready";
const FLUSH_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** A scrape does not wait longer for the log to say where its ends are. */
const END_OFFSETS_TIMEOUT_MS = 2_000;

/** Turns what the stream tells into metrics, log lines and readiness. */
export function createPromStreamObserver(
  registry: Registry,
  log: Pick<EventLogReader, "offsets">,
  logger: Logger,
): PromStreamObserver {
  const metrics = createMetrics(registry);
  const checkpoints = new Map<number, EngineCheckpoint>();
  const states = new Map<number, string>();
  registerLag(registry, log, checkpoints);

  function moveTo(partition: number, checkpoint: EngineCheckpoint) {
    checkpoints.set(partition, checkpoint);
    const { watermarkMs, nextOffset } = checkpoint;
    if (watermarkMs !== null) metrics.watermark.set({ partition }, watermarkMs / 1_000);
    metrics.nextOffset.set({ partition }, Number(nextOffset));
  }

  return {
    states: () => states,
    owned(partition, epoch, checkpoint) {
      states.set(partition, READY);
      metrics.stopped.set({ partition }, 0);
      moveTo(partition, checkpoint);
      const { nextOffset, restartOffset } = checkpoint;
      const at = { partition, epoch: `${epoch}`, next: `${nextOffset}`, from: `${restartOffset}` };
      logger.info(at, "counting a partition");
    },
    flushed(partition, { durationMs, cells, rejects, outcomes, checkpoint }) {
      metrics.flush.observe(durationMs / 1_000);
      metrics.rows.inc({ table: "hot_minutes" }, cells);
      metrics.rows.inc({ table: "stream_rejects" }, rejects);
      for (const [outcome, events] of outcomes) metrics.events.inc({ outcome }, events);
      moveTo(partition, checkpoint);
    },
    retrying(partition, step, error) {
      states.set(partition, `waiting: ${step}`);
      metrics.retries.inc({ step });
      logger.warn({ partition, step, err: error }, "trying again");
    },
    recovered(partition, step) {
      states.set(partition, READY);
      logger.info({ partition, step }, "recovered");
    },
    stopped(partition, reason, error) {
      states.set(partition, `stopped: ${reason}`);
      metrics.stopped.set({ partition }, 1);
      logger.error({ partition, reason, err: error }, "a partition is counted no more");
    },
    expired(partition, { fromOffset, toOffset, hours, archived }) {
      metrics.expired.inc({ partition }, Number(toOffset - fromOffset));
      const gap = { partition, from: `${fromOffset}`, to: `${toOffset}`, hours, archived };
      logger.error(gap, "the log expired before it was counted; its hours come from the archive");
    },
    released(partition) {
      states.delete(partition);
      checkpoints.delete(partition);
      for (const gauge of [metrics.watermark, metrics.nextOffset, metrics.stopped]) {
        gauge.remove({ partition });
      }
    },
  };
}

function createMetrics(registry: Registry) {
  const registers = [registry];
  const name = (rest: string) => `trueclick_stream_${rest}`;
  return {
    events: new Counter({
      name: name("events_total"),
      help: "Events of the log, by what became of them. Counted by this process: a restart does not repeat them.",
      labelNames: ["outcome"],
      registers,
    }),
    rows: new Counter({
      name: name("rows_total"),
      help: "Rows written, by table.",
      labelNames: ["table"],
      registers,
    }),
    retries: new Counter({
      name: name("retries_total"),
      help: "Attempts that met a passing fault, by step.",
      labelNames: ["step"],
      registers,
    }),
    flush: new Histogram({
      name: name("flush_duration_seconds"),
      help: "Time from the first row of a flush to its checkpoint.",
      buckets: FLUSH_BUCKETS_S,
      registers,
    }),
    watermark: new Gauge({
      name: name("watermark_seconds"),
      help: "Windows that end by then are closed, Unix time.",
      labelNames: ["partition"],
      registers,
    }),
    nextOffset: new Gauge({
      name: name("next_offset"),
      help: "Offset of the next record to count.",
      labelNames: ["partition"],
      registers,
    }),
    expired: new Counter({
      name: name("expired_records_total"),
      help: "Records of the log that expired before they were counted. Their hours are counted again from the archive.",
      labelNames: ["partition"],
      registers,
    }),
    stopped: new Gauge({
      name: name("partition_stopped"),
      help: "1 where a partition is counted no more and needs an operator.",
      labelNames: ["partition"],
      registers,
    }),
  };
}

/** Lag is asked for when somebody looks: an idle partition costs nothing. */
function registerLag(
  registry: Registry,
  log: Pick<EventLogReader, "offsets">,
  checkpoints: ReadonlyMap<number, EngineCheckpoint>,
): void {
  new Gauge({
    name: "trueclick_stream_lag_records",
    help: "Records of the log that are not counted yet. Absent while the log does not answer.",
    labelNames: ["partition"],
    registers: [registry],
    async collect() {
      this.reset();
      const asked = [...checkpoints].map(async ([partition, { nextOffset }]) => {
        const { endOffset } = await within(END_OFFSETS_TIMEOUT_MS, log.offsets(partition));
        this.set({ partition }, Number(endOffset - nextOffset));
      });
      await Promise.allSettled(asked);
    },
  });
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error("timed out")), timeoutMs);
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
