import { randomUUID } from "node:crypto";
import { toObjectsSettings } from "@trueclick/archive/objectsSettings";
import { type ArchiveObjects, openObjects } from "@trueclick/archive/openObjects";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { toClickHouseCluster } from "@trueclick/db/clickhouse/cluster/clickhouseCluster";
import { openDatabase } from "@trueclick/db/postgres/database";
import { lookAtDrift, unexplainedDrift } from "@trueclick/db/queries/driftWatch";
import type { EventLog, EventLogReader, TopicReader } from "@trueclick/event-log";
import { sql } from "drizzle-orm";
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { openEventLog } from "./adapters/openEventLog.ts";
import { composeArchive } from "./archive/composeArchive.ts";
import { createPromBackfillObserver } from "./backfill/adapters/promBackfillObserver.ts";
import { composeBackfill } from "./backfill/composeBackfill.ts";
import { composeBatch } from "./batch/composeBatch.ts";
import type { Env, Role } from "./env.ts";
import { type OpsSources, READY } from "./http/opsServer.ts";
import { createPromLeaseObserver } from "./leases/adapters/promLeaseObserver.ts";
import { composeLeases, type ProcessIdentity } from "./leases/composeLeases.ts";
import type { LeaseGroup } from "./leases/pipeline/holdPartitions.ts";
import type { LeaseObserver } from "./leases/ports/leaseObserver.ts";
import { noteUse } from "./noteUse.ts";
import { composeQuarantine } from "./quarantine/composeQuarantine.ts";
import type { StopSignals } from "./stopSignals.ts";
import { createPromStreamObserver } from "./stream/adapters/promStreamObserver.ts";
import { composeStream } from "./stream/composeStream.ts";
import { openOrMakeTopic, readerOfOneTopic } from "./topicReaders.ts";
import { untilAnswers } from "./untilAnswers.ts";
import { DRIFT_LOOK_INTERVAL_MS, watchDrift } from "./watchDrift.ts";
import { watchLogEnds } from "./watchLogEnds.ts";
import { watchPartitions } from "./watchPartitions.ts";

/** Enough for every partition's flush and two batch jobs; a share of what Postgres allows. */
const POSTGRES_CONNECTIONS_MAX = 12;
const LEASE_CONNECTIONS_MAX = 2;

/** What a role says of itself before it takes part in the work. */
const STARTING = "starting";

export interface Aggregator extends OpsSources {
  /** Runs every role until stopped; a fault of one stops them all and is thrown. */
  run(signals: StopSignals): Promise<void>;
  close(): Promise<void>;
}

interface Engines {
  readonly postgres: ReturnType<typeof openDatabase>;
  /** Connections for leases alone: one that waits for a busy pool would be taken for dead. */
  readonly leases: ReturnType<typeof openDatabase>;
  readonly clickhouse: ReturnType<typeof openClickHouse>;
  readonly eventLog: EventLog;
  readonly readers: TopicReader[];
}

type RunRole = (signals: StopSignals) => Promise<void>;

/** Builds the roles of this process. Nothing is opened before `run`. */
export function composeRoles(env: Env, logger: Logger): Aggregator {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const parts = new Map<string, () => string>();
  const engines: Engines = {
    postgres: openDatabase(env.DATABASE_URL, { connectionsMax: POSTGRES_CONNECTIONS_MAX }),
    leases: openDatabase(env.DATABASE_URL, { connectionsMax: LEASE_CONNECTIONS_MAX }),
    clickhouse: openClickHouse(env.CLICKHOUSE_URL, toClickHouseCluster(env)),
    eventLog: openEventLog({ databaseUrl: env.DATABASE_URL, kafkaBrokers: env.KAFKA_BROKERS }),
    readers: [],
  };
  const identity = {
    member: randomUUID(),
    instance: env.AGGREGATOR_INSTANCE ?? null,
    leaseMs: env.LEASE_MS,
  };
  for (const role of env.AGGREGATOR_ROLES) parts.set(role, () => STARTING);

  return {
    readiness: () => new Map(Array.from(parts, ([part, state]) => [part, state()])),
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),

    async run(signals) {
      const { stopping } = signals;
      await engineAnswers(engines, logger, stopping);
      const fault = new AbortController();
      const either = AbortSignal.any([stopping, fault.signal]);
      const runs = Array.from(env.AGGREGATOR_ROLES, async (role) => {
        try {
          const context = { env, identity, logger, registry, engines, parts };
          const runRole = await buildRole(role, context, either);
          await runRole({ stopping: either, deadline: signals.deadline });
        } catch (error) {
          if (!stopping.aborted) logger.error({ role, err: error }, "a role has failed");
          fault.abort();
          throw error;
        }
      });
      void noteUse(
        { db: engines.postgres.db, clickhouse: engines.clickhouse },
        env,
        logger,
        either,
      );
      const ends = await Promise.allSettled(runs);
      fault.abort();
      const failed = ends.find((end) => end.status === "rejected");
      if (failed !== undefined && !stopping.aborted) throw failed.reason;
    },

    async close() {
      await Promise.allSettled(engines.readers.map((reader) => reader.close()));
      const { postgres, leases, clickhouse } = engines;
      await Promise.allSettled([postgres.close(), leases.close(), clickhouse.close()]);
    },
  };
}

interface RoleContext {
  readonly env: Env;
  readonly identity: ProcessIdentity;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly engines: Engines;
  /** What each role says of itself to `/readyz`. */
  readonly parts: Map<string, () => string>;
}

async function buildRole(role: Role, context: RoleContext, signal: AbortSignal): Promise<RunRole> {
  const { env, engines, parts, registry } = context;
  const { db } = engines.postgres;
  const { clickhouse } = engines;
  const logger = context.logger.child({ role });

  if (role === "stream") {
    const reader = await openReader(context, signal);
    const log = readerOfOneTopic(reader, { ...context, role, db });
    const observer = createPromStreamObserver(registry, reader, logger);
    const told = { ended: (partition: number) => observer.released(partition) };
    const leases = leasesOf(context, role, log, told);
    const stateOf = () => [...observer.states().values()].find((at) => at !== READY) ?? READY;
    parts.set(role, () => (leases.hasJoined() ? stateOf() : STARTING));
    const { ALLOWED_LATENESS_MS: allowedLatenessMs, STREAM_FLUSH_INTERVAL_MS: flushIntervalMs } =
      env;
    const settings = { allowedLatenessMs, flushIntervalMs };
    const runBackfill = await buildBackfill(context, log, signal);
    return (signals) =>
      endTogether(signals, [
        (own) => composeStream({ log, db, clickhouse, observer, ...leases, settings }, own),
        runBackfill,
        ({ stopping }) => watchPartitions(log, { role, registry, logger }, stopping),
      ]);
  }

  if (role === "quarantine") {
    const reader = await openReader(context, signal, () =>
      openOrMakeTopic(engines.eventLog, env.QUARANTINE_TOPIC),
    );
    parts.set(role, () => READY);
    const settings = { retentionMs: env.QUARANTINE_RETENTION_MS };
    return ({ stopping }) => composeQuarantine({ reader, db, settings, logger }, stopping);
  }

  const objects = await openArchiveObjects(context, signal);
  const stores = {
    db,
    clickhouse,
    objectStore: objects.store,
    clickhouseObjects: objects.inClickHouse,
    logger,
  };
  parts.set(role, () => READY);
  if (role === "archive") {
    const reader = readerOfOneTopic(await openReader(context, signal), { ...context, role, db });
    const leases = leasesOf(context, role, reader, {});
    parts.set(role, () => (leases.hasJoined() ? READY : STARTING));
    const settings = { flushIntervalMs: env.ARCHIVE_FLUSH_INTERVAL_MS };
    return (signals) =>
      endTogether(signals, [
        (own) => composeArchive({ reader, ...stores, ...leases, settings }, own),
        ({ stopping }) => watchLogEnds({ reader, db, logger }, stopping),
        ({ stopping }) => watchPartitions(reader, { role, registry, logger }, stopping),
      ]);
  }
  const settings = {
    topic: env.EVENTS_TOPIC,
    tzdata: process.versions["tz"] ?? "unknown",
    allowedLatenessMs: env.ALLOWED_LATENESS_MS,
    scheduleIntervalMs: env.BATCH_SCHEDULE_INTERVAL_MS,
    sweepAfterMs: env.BATCH_SWEEP_AFTER_MS,
    datacenterRangesFile: env.DATACENTER_RANGES_FILE,
  };
  const watch = {
    look: () => lookAtDrift({ db, clickhouse }, DRIFT_LOOK_INTERVAL_MS, Date.now()),
    read: () => unexplainedDrift({ db }),
    ...{ registry, logger },
  };
  return (signals) =>
    endTogether(signals, [
      ({ stopping }) => composeBatch({ ...stores, settings }, stopping),
      ({ stopping }) => watchDrift(watch, stopping),
    ]);
}

/** How this process shares out a topic's partitions with the others that play the role. */
function leasesOf(
  { engines, identity, registry, logger }: RoleContext,
  name: string,
  log: Pick<EventLogReader, "topic" | "partitionCount">,
  told: Partial<Pick<LeaseObserver, "ended">>,
): { readonly leases: LeaseGroup; readonly hasJoined: () => boolean } {
  const observer = createPromLeaseObserver(registry, name, logger.child({ role: name }));
  const ended = (partition: number) => {
    observer.ended(partition);
    told.ended?.(partition);
  };
  const leases = composeLeases(engines.leases.db, identity, { name, log }, { ...observer, ended });
  return { leases, hasJoined: observer.hasJoined };
}

/** What follows behind the stream, in one of the processes that play it. */
async function buildBackfill(
  context: RoleContext,
  log: EventLogReader,
  signal: AbortSignal,
): Promise<RunRole> {
  const { env, engines, registry } = context;
  const logger = context.logger.child({ role: "backfill" });
  const isReachable = toObjectsSettings(env) !== null;
  if (!isReachable) logger.warn("no place of the archive is set: dirty hours are not healed here");
  const objects = isReachable ? (await openArchiveObjects(context, signal)).inClickHouse : null;
  const observer = createPromBackfillObserver(registry, logger);
  const { leases } = leasesOf(context, "backfill", { topic: log.topic, partitionCount: 1 }, {});
  const { ALLOWED_LATENESS_MS: allowedLatenessMs, BACKFILL_INTERVAL_MS: restMs } = env;
  const settings = { allowedLatenessMs, restMs };
  const { clickhouse } = engines;
  const { db } = engines.postgres;
  return (signals) =>
    composeBackfill({ log, db, clickhouse, objects, observer, leases, settings }, signals);
}

/** Runs parts of a role; a fault of one stops the others and is thrown. */
async function endTogether(
  { stopping, deadline }: StopSignals,
  parts: readonly RunRole[],
): Promise<void> {
  const fault = new AbortController();
  const either = AbortSignal.any([stopping, fault.signal]);
  const ends = await Promise.allSettled(
    parts.map((run) =>
      run({ stopping: either, deadline }).catch((error: unknown) => {
        fault.abort();
        throw error;
      }),
    ),
  );
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function openArchiveObjects(
  { env, engines, logger }: RoleContext,
  signal: AbortSignal,
): Promise<ArchiveObjects> {
  const settings = toObjectsSettings(env);
  // `env.ts` has asked for them where a role needs them.
  if (settings === null) throw new Error("no place for the archive's objects is set");
  const objects = openObjects(settings, env.CLICKHOUSE_CLUSTER);
  const prepare = () => objects.prepare(engines.clickhouse);
  await untilAnswers("object store", prepare, { logger, signal });
  return objects;
}

/** Each role reads the log by connections of its own: one that is far behind starves no other. */
async function openReader(
  context: RoleContext,
  signal: AbortSignal,
  open = () => context.engines.eventLog.reader(context.env.EVENTS_TOPIC),
): Promise<TopicReader> {
  const { engines, logger } = context;
  const reader = await untilAnswers("event log", open, { logger, signal });
  engines.readers.push(reader);
  return reader;
}

async function engineAnswers(engines: Engines, logger: Logger, signal: AbortSignal): Promise<void> {
  const { postgres, clickhouse } = engines;
  const context = { logger, signal };
  await Promise.all([
    untilAnswers("Postgres", () => postgres.db.execute(sql`select 1`), context),
    untilAnswers(
      "ClickHouse",
      async () => {
        const answer = await clickhouse.ping();
        if (!answer.success) throw answer.error;
      },
      context,
    ),
  ]);
}
