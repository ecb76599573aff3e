import { randomUUID } from "node:crypto";
import { TokenKeyring } from "@trueclick/shared/token/click";
import { SERVER_KEY, TOKEN_SECRET } from "./edge.ts";
import { bodyOf } from "./events.ts";
import { HOSTILE_INPUTS, hostileBodies } from "./hostile.ts";
import { requestOf } from "./load.ts";

/** `kafkajs`: Kafka through kafkajs as it comes, which only the peer uses. */
export type Log = "none" | "postgres" | "kafka" | "kafkajs";

export interface Entrant {
  /** As `serve.ts` knows it. */
  readonly server: string;
  readonly log: Log;
  /** What is sent, where the entrants differ in that. */
  readonly input?: string;
}

export interface Scenario {
  readonly title: string;
  /** The word that it is asked for by. */
  readonly word: string;
  readonly connections: number;
  readonly eventsPerRequest: number;
  readonly requestsPerRound: number;
  /** The first is measured, the last is the peer. */
  readonly entrants: readonly Entrant[];
  /** The only good answer; null if any is. */
  readonly status: number | null;
  readonly requestsFor: (entrant: Entrant) => readonly Buffer[];
  /** Counted rounds and those before them; what is usual if absent. */
  readonly rounds?: { readonly rounds: number; readonly warmups: number };
}

const BODIES = 24;
/** A thousand requests of 500: of fewer, the 99th percentile is one of the three that took longest. */
const EVENTS_A_ROUND = 500_000;
/** A second or so each: the two rounds that warm up must see V8 through its compilers. */
const SINGLES_A_ROUND = 30_000;
const BATCH_CONNECTIONS = 16;
const SINGLE_CONNECTIONS = 64;

function posts(eventsPerRequest: number): Scenario["requestsFor"] {
  const nowMs = Date.now();
  const bodies = Array.from({ length: BODIES }, () => bodyOf(eventsPerRequest, nowMs));
  return ({ server }) => {
    const isSingle = eventsPerRequest === 1 && server === "fastify";
    return bodies.map((body) => requestOf("POST", isSingle ? "/v1/event" : "/v1/events", body));
  };
}

function clicks(): readonly Buffer[] {
  const keyring = new TokenKeyring(new Map([["k1", TOKEN_SECRET]]));
  const nowS = Math.floor(Date.now() / 1_000);
  return Array.from({ length: 1_000 }, () => {
    const claims = {
      ...{ issuer: "src_bench", impressionId: randomUUID(), campaignId: "cmp_1", adId: "ad_1" },
      ...{ publisherId: "pub_1", issuedAtS: nowS - 60, expiresAtS: nowS + 3_600 },
      landingUrl: "https://shop.example/sale?from=ad",
    };
    const token = keyring.mint(claims, "k1");
    return requestOf("GET", `/c/${token}`, null);
  });
}

function batch(events: number, log: Log, others: readonly Entrant[] = []): Scenario {
  return {
    title: `POST of ${events} events, ${log === "none" ? "checked only" : `appended to ${log}`}`,
    word: `batch${events}-${log}`,
    ...{ connections: BATCH_CONNECTIONS, eventsPerRequest: events, status: 202 },
    requestsPerRound: EVENTS_A_ROUND / events,
    entrants: [{ server: "trueclick", log }, ...others, { server: "fastify", log }],
    requestsFor: posts(events),
  };
}

function single(log: Log, others: readonly Entrant[] = []): Scenario {
  const how = log === "none" ? "checked only" : `appended to ${log} (the peer appends nothing)`;
  return {
    title: `POST of one event of 1 KB, ${how}`,
    word: `single-${log}`,
    ...{ connections: SINGLE_CONNECTIONS, eventsPerRequest: 1, status: 202 },
    requestsPerRound: SINGLES_A_ROUND,
    entrants: [{ server: "trueclick", log }, ...others, { server: "fastify", log: "none" }],
    requestsFor: posts(1),
  };
}

const BARE: readonly Entrant[] = [
  { server: "node-body", log: "none" },
  { server: "node-json", log: "none" },
];
/** The peer with the client that most would use; the last, named "fastify", has ours. */
const BY_KAFKAJS: readonly Entrant[] = [{ server: "fastify", log: "kafkajs" }];

function click(log: Log): Scenario {
  const how = log === "none" ? "not appended" : `appended to ${log} (the peer appends nothing)`;
  return {
    title: `GET /c/{token}, verified, ${how}, 302`,
    word: `click-${log}`,
    ...{ connections: SINGLE_CONNECTIONS, eventsPerRequest: 1, status: 302 },
    requestsPerRound: SINGLES_A_ROUND,
    entrants: [
      { server: "trueclick", log },
      { server: "fastify", log: "none" },
    ],
    requestsFor: clicks,
  };
}

/** How long hostile bodies hold the loop; an event here is a request. */
const HOSTILE: Scenario = {
  title: "hostile bodies (no peer; loop_max_ms at most 50)",
  word: "hostile",
  ...{ connections: 4, eventsPerRequest: 1, status: null, requestsPerRound: 24 },
  entrants: HOSTILE_INPUTS.map((input) => ({ server: "trueclick", log: "none", input })),
  requestsFor: ({ input = "" }) =>
    hostileBodies(input).map(({ body, headers = [] }) =>
      requestOf("POST", "/v1/events", body, { key: SERVER_KEY, headers }),
    ),
  rounds: { rounds: 3, warmups: 1 },
};

export const SCENARIOS: readonly Scenario[] = [
  batch(500, "none", BARE),
  batch(500, "postgres"),
  batch(500, "kafka", BY_KAFKAJS),
  batch(100, "none"),
  batch(100, "postgres"),
  batch(100, "kafka", BY_KAFKAJS),
  single("none", BARE),
  single("postgres"),
  single("kafka"),
  ...(["none", "postgres", "kafka"] as const).map(click),
  HOSTILE,
];
