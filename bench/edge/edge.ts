/** The edge as it is composed, with a key that is known already and, where none is wanted, no log. */

import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { setImmediate } from "node:timers/promises";
import { type EventLog, RECORD_BYTES_MAX } from "@trueclick/event-log";
import { partitionOf, partitionOfBytes } from "@trueclick/event-log/partition";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { GroupedEventSink } from "../../apps/ingest/src/adapters/groupedEventSink.ts";
import {
  createIpHasher,
  sha256Hex,
  signatureHashes,
} from "../../apps/ingest/src/adapters/hashes.ts";
import { createLogEventSink } from "../../apps/ingest/src/adapters/logEventSink.ts";
import { createPromEdgeMetrics } from "../../apps/ingest/src/adapters/promEdgeMetrics.ts";
import { createTokenVerifier } from "../../apps/ingest/src/adapters/tokenKeys.ts";
import { createUserAgentReader } from "../../apps/ingest/src/adapters/userAgentReader.ts";
import { createIpReader } from "../../apps/ingest/src/domain/ipFacts.ts";
import { LineBuffers } from "../../apps/ingest/src/domain/plain/lineBuffer.ts";
import { RateBucket } from "../../apps/ingest/src/domain/rateBucket.ts";
import { LogHealth, SourceLimits } from "../../apps/ingest/src/domain/sourceLimits.ts";
import { InFlightBytes } from "../../apps/ingest/src/http/inFlightBytes.ts";
import { createRoutes } from "../../apps/ingest/src/http/routes.ts";
import { createEdgeServer } from "../../apps/ingest/src/http/server.ts";
import { createUsualEvents } from "../../apps/ingest/src/http/usualEvents.ts";
import { Turns } from "../../apps/ingest/src/pipeline/turns.ts";
import type { LineSink } from "../../apps/ingest/src/ports/eventSink.ts";

export const KEY = "bench-key";
export const KEY_SHA256 = sha256Hex(KEY);
/** Of a source that speaks for its users. */
export const SERVER_KEY = "bench-server-key";
const SERVER_KEY_SHA256 = sha256Hex(SERVER_KEY);
export const TOKEN_SECRET = Buffer.from("bench secret of the click tokens");
export const PARTITIONS = 4;
const MUCH = 1e12;
const IN_FLIGHT_BYTES_MAX = 64 * 1_048_576;

const DONE = Promise.resolve();
const NO_LOG: LineSink = {
  partitionCount: () => PARTITIONS,
  append: () => DONE,
  appendLines: () => DONE,
  ping: () => DONE,
};

function openSink(log: EventLog, topic: string): Promise<LineSink> {
  return new Promise((resolve, reject) => {
    const sink = createLogEventSink(log, {
      ...{ topic, partitionCount: PARTITIONS, nowMs: Date.now },
      onOpenFailed: reject,
      onStateChange: (cause) => process.stderr.write(`The log: ${cause}\n`),
      onAppend: () => {},
    });
    const timer = setInterval(() => {
      if (sink.partitionCount() === null) return;
      clearInterval(timer);
      resolve(new GroupedEventSink(sink, RECORD_BYTES_MAX));
    }, 10);
  });
}

export async function createEdge(log: EventLog | null, topic: string): Promise<Server> {
  const sink = log === null ? NO_LOG : await openSink(log, topic);
  const inFlight = new InFlightBytes(IN_FLIGHT_BYTES_MAX);
  const metrics = createPromEdgeMetrics({
    ...{ inFlightBytes: () => inFlight.bytes, limitFactor: () => 1, spool: null },
    ...{ keysAgeMs: () => 0, tokenKeysAgeMs: () => 0 },
  });
  const verifyToken = createTokenVerifier(new Map([["k1", TOKEN_SECRET]]));
  const id = sourceIdSchema.parse("src_bench");
  const key = {
    id: "key_bench",
    source: { id, speaksForUsers: false, requireToken: false },
    ...{ expiresAtMs: null, signingSecret: null, allowedOrigins: null },
    ...{ scopes: ["events"] as const, requireSignature: false },
  };
  const serverKey = { ...key, source: { ...key.source, speaksForUsers: true } };
  const keyOf = (lookup: string) => {
    if (lookup === KEY_SHA256) return key;
    return lookup === SERVER_KEY_SHA256 ? serverKey : null;
  };
  // Events of a load are good; those that are not are of a scenario that is about them.
  const quarantine = { keep: async (items: readonly unknown[]) => items.length };
  const events = {
    acceptance: {
      ...{ sink, quarantine, metrics, sha256Hex, partitionOf, partitionOfBytes },
      ...{ lineBuffers: new LineBuffers(), yieldTurn: setImmediate },
      largeBodies: new Turns(setImmediate),
      stamps: {
        region: "bench",
        ...createUserAgentReader(),
        readIp: createIpReader({
          hashIp: createIpHasher("000102030405060708090a0b0c0d0e0f"),
          isDatacenterIp: () => false,
        }),
        // As the peer, which judges no tokens either; `/c/{token}` verifies each.
        verifyToken: null,
      },
    },
    authentication: {
      keys: {
        recall: keyOf,
        find: async (lookup: string) => keyOf(lookup),
        findSource: async () => null,
        ping: () => Promise.resolve(),
      },
      ...{ sha256Hex, signatureHashes },
      nonces: { find: async () => null, remember: async () => {} },
    },
    inFlight,
    limits: new SourceLimits({ perSecond: MUCH, burst: MUCH }, new LogHealth()),
  };
  return createEdgeServer({
    shortcut: createUsualEvents(events),
    routes: createRoutes({
      ...events,
      clickLinks: {
        verifyToken,
        areKeysKnown: () => true,
        quarantineBucket: new RateBucket({ perSecond: 1, burst: 1 }, Date.now()),
        newNonce: randomUUID,
      },
      probes: {},
      renderMetrics: () => metrics.render(),
      isStopping: () => false,
    }),
    metrics,
    nowMs: Date.now,
    isStopping: () => false,
    onFault: (error) => process.stderr.write(`${error}\n`),
  });
}
