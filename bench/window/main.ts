/**
 * P6: from Kafka to windows, with checkpoints on: `npm run bench -- window [events]`. Ours is the
 * stream role as it is: Kafka reader, engine, counts and evidence to ClickHouse, checkpoints in
 * Postgres. The peer is a program on kafkajs that counts the same in memory and commits its offsets;
 * what does as much is ours with its counts thrown away and its checkpoints kept.
 * Each reads the same events, from a topic as its author would have it, on a core of its own; stores,
 * broker and this process share the other one.
 *
 * Flink is not on this machine, so the comparison with it is not made.
 */
import { once } from "node:events";
import { startKafka } from "../harness/engines.ts";
import { LOAD_CORE, pinSelf, SERVER_CORE, spawnPinned } from "../harness/pinned.ts";
import { type Contestant, compete } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { openOurs } from "./ours.ts";
import { openPeer } from "./peer.ts";
import { type Round, roundSchema, serveRounds } from "./rounds.ts";
import { startStores, type WindowStores } from "./stores.ts";
import { eventLines, fillOurTopic, fillPeersTopic } from "./traffic.ts";

const EVENTS = 500_000;
const ROUNDS = 5;
const WARMUPS = 2;
const FIGURES = ["events_per_s", "events_per_cpu_s"];
const PEER = "kafkajs eachMessage";
const OUR_TOPIC = "bench.blocks";
const PEERS_TOPIC = "bench.messages";

async function startContestant(name: string, events: number, words: readonly string[]) {
  const child = spawnPinned(SERVER_CORE, [import.meta.filename, ...words]);
  const answer = async (): Promise<unknown> => {
    const gone = once(child, "exit").then(() => Promise.reject(new Error(`${name} ended`)));
    const [message]: unknown[] = await Promise.race([once(child, "message"), gone]);
    return message;
  };
  await answer();
  const digests = new Set<string | null>();
  const run = async () => {
    child.send("round");
    const { measured, digest }: Round = roundSchema.parse(await answer());
    digests.add(digest);
    const { seconds, cpuSeconds } = measured;
    return { events_per_s: events / seconds, events_per_cpu_s: events / cpuSeconds };
  };
  const contestant: Contestant = { name, run };
  return { contestant, digests, stop: () => child.disconnect() };
}

async function compare(brokers: string, stores: WindowStores, events: number): Promise<void> {
  const lines = eventLines(events);
  await fillOurTopic(brokers, OUR_TOPIC, lines);
  await fillPeersTopic(brokers, PEERS_TOPIC, lines);
  const { databaseUrl, clickhouseUrl } = stores;
  const ourWords = ["ours", brokers, OUR_TOPIC, databaseUrl];
  const whole = await startContestant("trueclick", events, [...ourWords, clickhouseUrl]);
  const bare = await startContestant("trueclick, counts thrown away", events, ourWords);
  const peer = await startContestant(PEER, events, ["peer", brokers, PEERS_TOPIC, `${events}`]);
  try {
    const contestants = [whole.contestant, bare.contestant, peer.contestant];
    const standings = await compete(contestants, { rounds: ROUNDS, warmups: WARMUPS });
    const counted = await stores.digest();
    const [theirs = "", ...others] = peer.digests;
    if (others.length > 0) throw new Error("The peer counts otherwise from round to round");
    if (theirs !== counted) throw new Error(`Ours counted ${counted}, the peer ${theirs}`);
    const table = resultTable(standings, FIGURES, PEER);
    process.stdout.write(`${provenance()}\n\nequal in ${counted}\n\n${table}\n`);
  } finally {
    for (const { stop } of [whole, bare, peer]) stop();
  }
}

async function run(events: number): Promise<void> {
  pinSelf(LOAD_CORE);
  const kafka = await startKafka();
  try {
    const stores = await startStores();
    try {
      await compare(kafka.address, stores, events);
    } finally {
      await stores.stop();
    }
  } finally {
    await kafka.stop();
  }
}

const [word = "", brokers = "", topic = "", ...rest] = process.argv.slice(2);
const [databaseUrl = "", clickhouseUrl = ""] = rest;
if (word === "ours") {
  serveRounds(await openOurs(brokers, topic, databaseUrl, clickhouseUrl));
} else if (word === "peer") {
  serveRounds(openPeer(brokers, topic, Number(rest[0])));
} else {
  await run(Number(word || EVENTS));
}
