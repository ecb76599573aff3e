/**
 * The whole HTTP edge on a real socket, with ports in memory that can be switched off: for tests of
 * what is answered. What is stored is tested on the real log.
 */

import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { partitionOf, partitionOfBytes } from "@trueclick/event-log/partition";
import { blockLines } from "@trueclick/shared/event/block";
import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import { type SourceId, sourceIdSchema } from "@trueclick/shared/ids";
import { GroupedEventSink } from "../adapters/groupedEventSink.ts";
import { createIpHasher, sha256Hex, signatureHashes } from "../adapters/hashes.ts";
import { createPromEdgeMetrics } from "../adapters/promEdgeMetrics.ts";
import { createTokenVerifier } from "../adapters/tokenKeys.ts";
import { createUserAgentReader } from "../adapters/userAgentReader.ts";
import type { Block } from "../domain/blocks.ts";
import { createIpReader } from "../domain/ipFacts.ts";
import { LineBuffers } from "../domain/plain/lineBuffer.ts";
import { RateBucket } from "../domain/rateBucket.ts";
import type { Source } from "../domain/source.ts";
import { LogHealth, SourceLimits } from "../domain/sourceLimits.ts";
import { InFlightBytes } from "../http/inFlightBytes.ts";
import { createRoutes } from "../http/routes.ts";
import { createEdgeServer } from "../http/server.ts";
import { createUsualEvents } from "../http/usualEvents.ts";
import { Turns } from "../pipeline/turns.ts";
import type { AnsweredNonces, NonceAnswer, NonceRef } from "../ports/answeredNonces.ts";
import { type EventSink, SinkUnavailableError } from "../ports/eventSink.ts";
import {
  type KeyDirectory,
  KeyDirectoryUnavailableError,
  type RememberedKeys,
  type SourceKey,
} from "../ports/keyDirectory.ts";
import type { Quarantine, Quarantined } from "../ports/quarantine.ts";

const PARTITIONS = 4;
const BLOCK_BYTES_MAX = 1_048_576;
/** What bodies of unknown length are taken for: two of them at once and no third. */
const IN_FLIGHT_BYTES_MAX = 4 * 1_048_576;
export const IP_HASH_KEY = "000102030405060708090a0b0c0d0e0f";

/** Keys of the two kinds of source, and one that was good. */
export const BROWSER_KEY = "key-of-a-browser";
export const SERVER_KEY = "key-of-a-server";
export const EXPIRED_KEY = "key-expired";
/** Of a source that must send tokens. */
export const STRICT_KEY = "key-of-a-strict-source";
/** The clock stands, so the burst is all that there is. */
export const SOURCE_LIMIT = { perSecond: 1_000, burst: 5_000 };
/** May replay, and nothing else. */
export const OPERATOR_KEY = "key-of-an-operator";
/** Of a source that may send five events a second. */
export const SLOW_KEY = "key-of-a-slow-source";
/** Of a source that must sign. */
export const SIGNERS_KEY = "key-of-a-source-that-signs";
/** The same, as the command line makes keys. */
export const STRICT_SIGNERS_KEY = "tcs_key-of-a-source-that-signs";
/** Of pages of one origin. */
export const PAGE_KEY = "key-of-a-page";
export const PAGE_ORIGIN = "https://shop.example";
/** Of a source that bears it or signs with it. */
export const BEARER_KEY = "tcs_key-that-signs-by-itself";
/** Of the key `key_signing`. */
export const SIGNING_SECRET = "secret-of-signatures";
export const TOKEN_KEYS = new Map([["k1", Buffer.from("secret of the tokens")]]);
export const BAD_TOKENS_KEPT = { perSecond: 1, burst: 40 };

function sourceKey(id: string, traits: Partial<Source>, expiresAtMs: number | null): SourceKey {
  const source = { id: sourceIdSchema.parse(id), speaksForUsers: false, requireToken: false };
  return {
    id: `key_of_${id}`,
    source: { ...source, ...traits },
    scopes: ["events"],
    requireSignature: false,
    expiresAtMs,
    signingSecret: null,
    allowedOrigins: null,
  };
}

class MemorySink implements EventSink {
  readonly blocks: Block[] = [];
  isUp = true;
  /** Appends wait for it; lets a test hold requests under way. */
  gate: Promise<void> = Promise.resolve();

  partitionCount(): number {
    return PARTITIONS;
  }

  async append(blocks: readonly Block[], onRead?: () => void): Promise<void> {
    await this.gate;
    await this.ping();
    this.blocks.push(...blocks.map((block) => ({ ...block, value: Buffer.from(block.value) })));
    if (onRead === undefined) return;
    // Whoever still looks at them finds out.
    for (const { value } of blocks) value.fill("?");
    onRead();
  }

  async ping(): Promise<void> {
    if (!this.isUp) throw new SinkUnavailableError("off");
  }

  /** Every stored event, checked against the contract with the readers. */
  events(): StoredEvent[] {
    return this.blocks.flatMap(({ value }) =>
      blockLines(value).map((line) =>
        storedEventSchema.parse(JSON.parse(Buffer.from(line).toString())),
      ),
    );
  }
}

class MemoryQuarantine implements Quarantine {
  readonly items: Quarantined[] = [];
  isUp = true;

  async keep(items: readonly Quarantined[]): Promise<number> {
    if (!this.isUp) return 0;
    this.items.push(...items);
    return items.length;
  }
}

class MemoryNonces implements AnsweredNonces {
  readonly #answers = new Map<string, NonceAnswer>();
  isUp = true;

  async find({ keyId, nonce }: NonceRef): Promise<NonceAnswer | null> {
    return this.isUp ? (this.#answers.get(`${keyId} ${nonce}`) ?? null) : null;
  }

  async remember(
    { keyId, nonce }: NonceRef,
    { bodySha256, status, body }: NonceAnswer,
  ): Promise<void> {
    if (this.isUp) this.#answers.set(`${keyId} ${nonce}`, { bodySha256, status, body });
  }
}

class MemoryKeys implements KeyDirectory, RememberedKeys {
  readonly #keys: ReadonlyMap<string, SourceKey>;
  isUp = true;

  constructor(nowMs: number) {
    this.#keys = new Map([
      [sha256Hex(BROWSER_KEY), sourceKey("src_browser", {}, nowMs + 1)],
      [sha256Hex(SERVER_KEY), sourceKey("src_server", { speaksForUsers: true }, null)],
      [sha256Hex(STRICT_KEY), sourceKey("src_strict", { requireToken: true }, null)],
      [sha256Hex(BEARER_KEY), sourceKey("src_signing", {}, null)],
      [
        sha256Hex(STRICT_SIGNERS_KEY),
        { ...sourceKey("src_signs", {}, null), requireSignature: true },
      ],
      ["id:key_signing", { ...sourceKey("src_signing", {}, null), signingSecret: SIGNING_SECRET }],
      ["id:key_expired", { ...sourceKey("src_signing", {}, nowMs), signingSecret: SIGNING_SECRET }],
      [
        `page:${sha256Hex(PAGE_KEY)}`,
        { ...sourceKey("src_page", {}, null), allowedOrigins: [PAGE_ORIGIN] },
      ],
      ["id:key_bearing", sourceKey("src_signing", {}, null)],
      [sha256Hex(OPERATOR_KEY), { ...sourceKey("operator", {}, null), scopes: ["replay"] }],
      [sha256Hex(SLOW_KEY), sourceKey("src_slow", { eventsPerSecond: 5 }, null)],
      [sha256Hex(SIGNERS_KEY), { ...sourceKey("src_signs", {}, null), requireSignature: true }],
      [sha256Hex(EXPIRED_KEY), sourceKey("src_browser", {}, nowMs)],
    ]);
  }

  recall(keySha256: string): SourceKey | null {
    return this.isUp ? (this.#keys.get(keySha256) ?? null) : null;
  }

  async find(keySha256: string): Promise<SourceKey | null> {
    await this.ping();
    return this.#keys.get(keySha256) ?? null;
  }

  async findSource(sourceId: SourceId): Promise<Source | null> {
    await this.ping();
    const keys = [...this.#keys.values()];
    return keys.find(({ source }) => source.id === sourceId)?.source ?? null;
  }

  async ping(): Promise<void> {
    if (!this.isUp) throw new KeyDirectoryUnavailableError("off");
  }
}

/**
 * Starts an edge whose clock stands at `nowMs`.
 *
 * @param hasShortcut Whether usual requests take the short way, as they do in production.
 * @param inFlightBytesMax Memory that bodies may take at once.
 */
export async function startEdgeInMemory(
  nowMs: number,
  hasShortcut = true,
  inFlightBytesMax = IN_FLIGHT_BYTES_MAX,
) {
  const sink = new MemorySink();
  const quarantine = new MemoryQuarantine();
  const keys = new MemoryKeys(nowMs);
  const nonces = new MemoryNonces();
  const inFlight = new InFlightBytes(inFlightBytesMax);
  const metrics = createPromEdgeMetrics({
    inFlightBytes: () => inFlight.bytes,
    limitFactor: () => 1,
    spool: null,
    keysAgeMs: () => 0,
    tokenKeysAgeMs: () => 0,
  });
  const faults: unknown[] = [];
  const verifyToken = createTokenVerifier(TOKEN_KEYS);
  let noncesGiven = 0;
  let isStopping = false;
  const events = {
    acceptance: {
      ...{ quarantine, metrics, sha256Hex, partitionOf, partitionOfBytes },
      sink: new GroupedEventSink(sink, BLOCK_BYTES_MAX),
      ...{ lineBuffers: new LineBuffers(), yieldTurn: setImmediate },
      largeBodies: new Turns(setImmediate),
      stamps: {
        region: "test",
        ...createUserAgentReader(),
        readIp: createIpReader({
          hashIp: createIpHasher(IP_HASH_KEY),
          findCountry: (ip) => (ip.startsWith("198.51.100.") ? "JP" : null),
          isDatacenterIp: (ip) => ip.length === 4 && ip[0] === 198 && ip[1] === 51,
        }),
        verifyToken,
      },
    },
    authentication: { ...{ keys, sha256Hex, signatureHashes }, nonces },
    inFlight,
    limits: new SourceLimits(SOURCE_LIMIT, new LogHealth()),
  };
  const server = createEdgeServer({
    shortcut: hasShortcut ? createUsualEvents(events) : () => false,
    routes: createRoutes({
      ...events,
      clickLinks: {
        verifyToken,
        areKeysKnown: () => true,
        quarantineBucket: new RateBucket(BAD_TOKENS_KEPT, nowMs),
        newNonce: () => String(noncesGiven++),
      },
      probes: { log: () => sink.ping().then(() => "ok"), keys: () => keys.ping().then(() => "ok") },
      renderMetrics: () => metrics.render(),
      isStopping: () => isStopping,
    }),
    metrics,
    nowMs: () => nowMs,
    isStopping: () => isStopping,
    onFault: (error) => faults.push(error),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return {
    ...{ sink, quarantine, keys, nonces, inFlight, faults, server },
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    beginStop: () => {
      isStopping = true;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export type EdgeInMemory = Awaited<ReturnType<typeof startEdgeInMemory>>;
