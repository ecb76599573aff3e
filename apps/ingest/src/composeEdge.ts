import { setImmediate } from "node:timers/promises";
import { type OpenDatabase, openDatabase } from "@trueclick/db/postgres/database";
import { noteProcessorUse } from "@trueclick/db/queries/processorUse";
import { partitionOf, partitionOfBytes } from "@trueclick/event-log/partition";
import { watchProcessorUse } from "@trueclick/shared/process/watchProcessorUse";
import type { Logger } from "pino";
import { CachedKeyDirectory, type KeyCacheLimits } from "./adapters/cachedKeyDirectory.ts";
import { readDatacenterRanges } from "./adapters/datacenterRanges.ts";
import { createIpHasher, sha256Hex, signatureHashes } from "./adapters/hashes.ts";
import { createLogEventSink } from "./adapters/logEventSink.ts";
import { createLogQuarantine } from "./adapters/logQuarantine.ts";
import { openEventLog } from "./adapters/openEventLog.ts";
import { createPostgresAnsweredNonces } from "./adapters/postgresAnsweredNonces.ts";
import { createPostgresKeyDirectory } from "./adapters/postgresKeyDirectory.ts";
import { createPromEdgeMetrics } from "./adapters/promEdgeMetrics.ts";
import { createUserAgentReader } from "./adapters/userAgentReader.ts";
import { withTimeout } from "./adapters/withTimeout.ts";
import { composeGeo } from "./composeGeo.ts";
import { composeSink } from "./composeSink.ts";
import { composeTokens } from "./composeTokens.ts";
import type { VerifyToken } from "./domain/clickTokens.ts";
import { createIpReader } from "./domain/ipFacts.ts";
import { LineBuffers } from "./domain/plain/lineBuffer.ts";
import { ALL_KEPT, QuarantineBudget, SOURCE_KEPT } from "./domain/quarantineBudget.ts";
import { LogHealth, SourceLimits, toRateLimit } from "./domain/sourceLimits.ts";
import type { Env } from "./env.ts";
import { InFlightBytes } from "./http/inFlightBytes.ts";
import { createRoutes } from "./http/routes.ts";
import { createEdgeServer } from "./http/server.ts";
import { createUsualEvents } from "./http/usualEvents.ts";
import { Turns } from "./pipeline/turns.ts";

/** Connections of the key directory; the event log has its own. */
const DATABASE_CONNECTIONS_MAX = 4;

const KEY_CACHE: KeyCacheLimits = {
  // A revoked key is refused after at most this long.
  ttlMs: 5_000,
  staleMaxMs: 24 * 3_600_000,
  entriesMax: 10_000,
  lookupsMax: 64,
  lookupTimeoutMs: 2_000,
  retryAfterMs: 1_000,
};

const KEYS_PROBE_TIMEOUT_MS = 1_000;

/** Builds the edge: its server, not listening yet, and the way to take it down. */
export async function composeEdge(env: Env, logger: Logger) {
  const nowMs = () => Date.now();
  let isStopping = false;
  const database = openDatabase(env.DATABASE_URL, { connectionsMax: DATABASE_CONNECTIONS_MAX });
  const keys = new CachedKeyDirectory(createPostgresKeyDirectory(database.db), KEY_CACHE, nowMs);
  const log = openEventLog({ databaseUrl: env.DATABASE_URL, kafkaBrokers: env.KAFKA_BROKERS });
  const onOpenFailed = (topic: string) => (error: unknown) =>
    logger.warn({ topic, err: error }, "the log cannot be reached, trying again");
  const health = new LogHealth();
  const logSink = createLogEventSink(log, {
    topic: env.EVENTS_TOPIC,
    partitionCount: env.EVENTS_PARTITIONS,
    nowMs,
    onOpenFailed: onOpenFailed(env.EVENTS_TOPIC),
    onAppend: (outcome) => health.observe(outcome, nowMs()),
    onStateChange: (cause) =>
      cause === null
        ? logger.info("appends succeed")
        : logger.error({ err: cause }, "appends fail"),
  });
  const { sink, probe, spoolStats, close } = await composeSink(env, logger, logSink);
  const quarantine = createLogQuarantine(log, {
    topic: env.QUARANTINE_TOPIC,
    onOpenFailed: onOpenFailed(env.QUARANTINE_TOPIC),
    budget: new QuarantineBudget(SOURCE_KEPT, ALL_KEPT, nowMs()),
    nowMs,
  });
  const nonces = createPostgresAnsweredNonces(database.db, nowMs, (error) =>
    logger.warn({ err: error }, "repeats of signed requests cannot be told"),
  );
  const tokens = await composeTokens(env, database.db, logger);
  const inFlight = new InFlightBytes(env.IN_FLIGHT_BYTES_MAX);
  const metrics = createPromEdgeMetrics({
    inFlightBytes: () => inFlight.bytes,
    limitFactor: () => health.factor,
    spool: spoolStats,
    keysAgeMs: () => keys.ageMs(),
    tokenKeysAgeMs: () => tokens.ageMs(),
  });
  const stamps = await composeStamps(env, logger, tokens.clickLinks.verifyToken);
  const events = {
    acceptance: {
      ...{ sink, quarantine, metrics, stamps, sha256Hex, partitionOf, partitionOfBytes },
      ...{ lineBuffers: new LineBuffers(), yieldTurn: setImmediate },
      largeBodies: new Turns(setImmediate),
    },
    authentication: { ...{ keys, sha256Hex, signatureHashes }, nonces },
    inFlight,
    limits: new SourceLimits(toRateLimit(env.SOURCE_EVENTS_PER_SECOND), health),
  };
  const server = createEdgeServer({
    shortcut: createUsualEvents(events),
    routes: createRoutes({
      ...events,
      clickLinks: tokens.clickLinks,
      probes: { log: probe, keys: () => probeKeys(keys), token_keys: tokens.probe },
      renderMetrics: () => metrics.render(),
      isStopping: () => isStopping,
    }),
    metrics,
    nowMs,
    isStopping: () => isStopping,
    onFault: (error) => logger.error({ err: error }, "a request failed unexpectedly"),
  });
  const ended = new AbortController();
  noteUse(database, logger, ended.signal);
  return {
    server,
    /** From now on answers end their connections, and the edge says that it is not ready. */
    beginStop: () => {
      isStopping = true;
    },
    /** Closes what the server used; for after its last answer. */
    close: async () => {
      tokens.close();
      ended.abort();
      await Promise.all([close(), quarantine.close()]);
      await database.close();
    },
  };
}

/** Has the processor time of this process written down, for what events cost. */
function noteUse(database: OpenDatabase, logger: Logger, signal: AbortSignal): void {
  const note = (cpuMs: number) => noteProcessorUse(database, "edge", cpuMs);
  const onFault = (error: unknown) => logger.warn({ err: error }, "processor time cannot be noted");
  void watchProcessorUse({ note, onFault }, signal);
}

/** What the edge adds to events. @throws if a file that is set can't be read. */
async function composeStamps(env: Env, logger: Logger, verifyToken: VerifyToken) {
  return {
    region: env.REGION,
    ...createUserAgentReader(),
    readIp: createIpReader({
      hashIp: createIpHasher(env.IP_HASH_KEY),
      isDatacenterIp: await readDatacenterRanges(env.DATACENTER_RANGES_FILE),
      findCountry: await composeGeo(env, logger),
    }),
    verifyToken,
  };
}

/** Senders that are known go on while the directory is down; that is worth being ready for. */
async function probeKeys(keys: CachedKeyDirectory): Promise<string> {
  try {
    // Well before the probe itself is given up: a directory that is frozen is one that is down.
    await withTimeout(keys.ping(), KEYS_PROBE_TIMEOUT_MS);
    return "ok";
  } catch (error) {
    if (!keys.remembersKeys()) throw error;
    return "remembered";
  }
}
