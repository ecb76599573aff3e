/**
 * The edge beside servers that do the same work: `npm run bench -- edge [scenario…]`. The server has
 * core 0; load, Postgres and Kafka share core 1. What counts are the ratios.
 */
import { once } from "node:events";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import { z } from "zod";
import { nodeFlags } from "../../apps/cli/src/start/nodeFlags.ts";
import { type Engine, startKafka, startPostgres } from "../harness/engines.ts";
import { LOAD_CORE, pinSelf, SERVER_CORE, spawnPinned } from "../harness/pinned.ts";
import { type Contestant, compete } from "../harness/rounds.ts";
import { provenance, resultTable } from "../harness/table.ts";
import { PARTITIONS } from "./edge.ts";
import { createTopicOfPeer } from "./kafkajsAppender.ts";
import { load } from "./load.ts";
import { type Entrant, type Log, SCENARIOS, type Scenario } from "./scenarios.ts";
import { serve } from "./serve.ts";

const ROUNDS = 5;
const WARMUPS = 2;
const FIGURES = [
  ...["events_per_s", "p50_ms", "p99_ms", "cpu_s_per_m_events", "peak_mib", "loop_max_ms"],
];
const MIB = 1_048_576;
/** The edge is started as the product starts it; the others have the same flags, but no bound. */
const EDGE_FLAGS = nodeFlags("ingest");
const PEER_FLAGS = EDGE_FLAGS.filter((flag) => !flag.startsWith("--max-old-space-size"));

const listening = z.object({ port: z.number() });
const usage = z.object({
  ...{ cpuS: z.number(), peakRssBytes: z.number(), loopDelayMaxMs: z.number() },
});

interface Running {
  readonly port: number;
  usage(): Promise<z.infer<typeof usage>>;
  stop(): void;
}

async function startServer({ server, log }: Entrant, address: string, topic: string) {
  const flags = server === "trueclick" ? EDGE_FLAGS : PEER_FLAGS;
  const words = [...flags, import.meta.filename, "serve", server, log, address, topic];
  const child = spawnPinned(SERVER_CORE, words);
  const [told]: unknown[] = await once(child, "message");
  const running: Running = {
    port: listening.parse(told).port,
    usage: async () => {
      const answered = once(child, "message");
      child.send("usage");
      const [answer]: unknown[] = await answered;
      return usage.parse(answer);
    },
    stop: () => child.disconnect(),
  };
  return running;
}

function nameOf({ server, log, input }: Entrant): string {
  return input ?? (log === "none" ? server : `${server} → ${log}`);
}

function contestant(entrant: Entrant, running: Running, scenario: Scenario): Contestant {
  const { connections, status, eventsPerRequest, requestsPerRound, requestsFor } = scenario;
  const requests = requestsFor(entrant);
  return {
    name: nameOf(entrant),
    run: async () => {
      const before = await running.usage();
      const options = { requests, connections, status, count: requestsPerRound };
      const { requestsPerS, p50Ms, p99Ms } = await load({ port: running.port, ...options });
      const after = await running.usage();
      const events = requestsPerRound * eventsPerRequest;
      return {
        events_per_s: requestsPerS * eventsPerRequest,
        ...{ p50_ms: p50Ms, p99_ms: p99Ms },
        cpu_s_per_m_events: ((after.cpuS - before.cpuS) / events) * 1e6,
        peak_mib: after.peakRssBytes / MIB,
        loop_max_ms: after.loopDelayMaxMs,
      };
    },
  };
}

async function createTopic(log: Log, address: string): Promise<string> {
  const topic = `bench.${process.pid}.${performance.now().toFixed()}`;
  if (log === "none") return topic;
  if (log === "kafkajs") {
    await createTopicOfPeer(address, topic, PARTITIONS);
    return topic;
  }
  const eventLog =
    log === "postgres"
      ? createPostgresEventLog({ connectionString: address })
      : createKafkaEventLog({ brokers: [address], clientId: "bench" });
  const admin = eventLog.admin();
  await admin.ensureTopic(topic, { partitionCount: PARTITIONS, retentionMs: null });
  await admin.close();
  return topic;
}

async function runScenario(scenario: Scenario, addressOf: (log: Log) => string) {
  const servers = new Map<string, Running>();
  const serverOf = async (entrant: Entrant) => {
    const { server, log } = entrant;
    // Those that differ only in what is sent share one.
    const known = servers.get(`${server} ${log}`);
    if (known !== undefined) return known;
    const address = addressOf(log);
    const started = await startServer(entrant, address, await createTopic(log, address));
    servers.set(`${server} ${log}`, started);
    return started;
  };
  try {
    const contestants: Contestant[] = [];
    for (const entrant of scenario.entrants) {
      contestants.push(contestant(entrant, await serverOf(entrant), scenario));
    }
    const rounds = scenario.rounds ?? { rounds: ROUNDS, warmups: WARMUPS };
    const standings = await compete(contestants, rounds);
    const peers = scenario.entrants.filter(({ server }) => server === "fastify").map(nameOf);
    process.stdout.write(`\n### ${scenario.title}\n`);
    for (const peer of peers.length === 0 ? [undefined] : peers) {
      process.stdout.write(`\n${resultTable(standings, FIGURES, peer)}\n`);
    }
  } finally {
    for (const server of servers.values()) server.stop();
  }
}

async function run(words: readonly string[]): Promise<void> {
  pinSelf(LOAD_CORE);
  const chosen = SCENARIOS.filter(({ word }) => words.length === 0 || words.includes(word));
  if (chosen.length === 0) {
    const known = SCENARIOS.map(({ word }) => word).join(" | ");
    throw new RangeError(`npm run bench -- edge [${known} …]`);
  }
  const logs = new Set(chosen.flatMap(({ entrants }) => entrants.map(({ log }) => log)));
  const engines = new Map<Log, Engine>();
  try {
    if (logs.has("postgres")) engines.set("postgres", await startPostgres());
    if (logs.has("kafka")) engines.set("kafka", await startKafka());
    const addressOf = (log: Log) => engines.get(log === "kafkajs" ? "kafka" : log)?.address ?? "";
    process.stdout.write(`${provenance()}\n`);
    for (const scenario of chosen) await runScenario(scenario, addressOf);
  } finally {
    for (const engine of engines.values()) await engine.stop();
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "serve") await serve(rest);
else await run(process.argv.slice(2));
