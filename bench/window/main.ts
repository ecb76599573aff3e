/**
 * P6: from Kafka to windows, with checkpoints on: `npm run bench -- window [events] [rounds]`. Ours is the
 * stream role as it is: Kafka reader, engine, counts and evidence to ClickHouse, checkpoints in
 * Postgres. The peer is a program on kafkajs that counts the same in memory and commits its offsets;
 * what does as much is ours with its counts thrown away and its checkpoints kept. Flink SQL counts the
 * same with a checkpoint a second, from the topic of messages; without a Java that runs sources, or
 * without its jars, it is left out.
 * Each reads the same events, from a topic as its author would have it, on a core of its own; stores,
 * broker and this process share the other one.
 */
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { makeBenchFolder } from "../harness/benchFolder.ts";
import { startKafka } from "../harness/engines.ts";
import { LOAD_CORE, pinSelf, SERVER_CORE, spawnPinned } from "../harness/pinned.ts";
import {
  type Contestant,
  compete,
  type Figures,
  figureOf,
  type Standing,
} from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { type FlinkPeer, startFlinkPeer } from "./flinkPeer.ts";
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

/** To tell a slow machine from a program that hangs. */
function report(name: string, { events_per_s, events_per_cpu_s }: Figures): void {
  const [byClock = 0, byCpu = 0] = [events_per_s, events_per_cpu_s];
  process.stderr.write(`${name}: ${byClock.toFixed()} events/s, ${byCpu.toFixed()} a cpu second\n`);
}

interface Inputs {
  readonly brokers: string;
  readonly stores: WindowStores;
  readonly flink: FlinkPeer | null;
  readonly events: number;
  readonly rounds: number;
}

async function compare({ brokers, stores, flink, events, rounds }: Inputs): Promise<void> {
  const { databaseUrl, clickhouseUrl } = stores;
  const ourWords = ["ours", brokers, OUR_TOPIC, databaseUrl];
  const whole = await startContestant("trueclick", events, [...ourWords, clickhouseUrl]);
  const bare = await startContestant("trueclick, counts thrown away", events, ourWords);
  const peer = await startContestant(PEER, events, ["peer", brokers, PEERS_TOPIC, `${events}`]);
  try {
    const flinkCounted = await flink?.digest();
    const contestants = [whole, bare, peer, ...(flink === null ? [] : [flink])];
    const standings = await compete(
      contestants.map(({ contestant }) => contestant),
      { rounds, warmups: WARMUPS, report },
    );
    const counted = await stores.digest();
    const [theirs = "", ...others] = peer.digests;
    if (others.length > 0) throw new Error("The peer counts otherwise from round to round");
    const allCounted = [theirs, flinkCounted ?? counted];
    const isEqual = allCounted.every((digest) => digest === counted);
    if (!isEqual) throw new Error(`Ours counted ${counted}, the peers ${allCounted.join("; ")}`);
    const tables = [PEER, ...(flink === null ? [] : [flink.contestant.name])].map((name) =>
      resultTable(standings, FIGURES, name),
    );
    const said = [provenance(), `equal in ${counted}`, ...tables, ...checkpointsOf(standings)];
    process.stdout.write(`${said.join("\n\n")}\n`);
  } finally {
    for (const { stop } of [whole, bare, peer]) stop();
  }
}

/** Of whoever tells of them, how many were completed while the clock ran. */
function checkpointsOf(standings: readonly Standing[]): string[] {
  return standings
    .filter(({ rounds }) => rounds.every((round) => round["checkpoints"] !== undefined))
    .map((standing) => {
      const { median, min, max } = figureOf(standing, "checkpoints");
      const bySecond = figureOf(standing, "checkpoints_per_s").median.toFixed(2);
      return `${standing.name}: ${median} checkpoints completed a round (${min} to ${max}), ${bySecond} a second`;
    });
}

async function run(events: number, rounds: number): Promise<void> {
  pinSelf(LOAD_CORE);
  const kafka = await startKafka();
  const dir = await makeBenchFolder();
  try {
    const lines = eventLines(events);
    await fillOurTopic(kafka.address, OUR_TOPIC, lines);
    await fillPeersTopic(kafka.address, PEERS_TOPIC, lines);
    const options = { brokers: kafka.address, topic: PEERS_TOPIC, events, dir };
    const flink = await startFlinkPeer(options, (line) => process.stdout.write(`${line}\n`));
    const stores = await startStores();
    try {
      await compare({ brokers: kafka.address, stores, flink, events, rounds });
    } finally {
      await stores.stop();
      await flink?.stop();
    }
  } finally {
    await kafka.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

const [word = "", brokers = "", topic = "", ...rest] = process.argv.slice(2);
const [databaseUrl = "", clickhouseUrl = ""] = rest;
if (word === "ours") {
  serveRounds(await openOurs(brokers, topic, databaseUrl, clickhouseUrl));
} else if (word === "peer") {
  serveRounds(openPeer(brokers, topic, Number(rest[0])));
} else {
  await run(Number(word || EVENTS), Number(brokers || ROUNDS));
}
