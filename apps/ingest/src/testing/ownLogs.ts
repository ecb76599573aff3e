/** Logs that a test may harm: real servers of its own, to freeze, to kill and to slow down. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { startLocalKafka } from "@trueclick/local-stack/kafka";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { createTestDatabase, kafkaBrokers } from "@trueclick/local-stack/testing";
import { createEdgeWorld } from "./edgeOnPostgres.ts";
import { FaultyProxy } from "./faultyProxy.ts";

/** Of a slow Kafka: it runs for the one and stands still for the other, milliseconds. */
const PULSE_RUN_MS = 40;
const PULSE_STAND_MS = 260;
const SLOW_PACKET_MS = 150;

const log = () => {};

/** An edge's world whose log is a server of its own. */
export async function postgresOfOwn() {
  const folder = await mkdtemp(join(tmpdir(), "trueclick-own-postgres-"));
  const dataDir = join(folder, "data");
  const start = (port: number) => startEmbeddedPostgres({ dataDir, port, password: "test", log });
  let server = await start(0);
  const { url } = server;
  const proxy = await FaultyProxy.before(url);
  const world = await createEdgeWorld({ DATABASE_URL: proxy.url }, async () => ({
    url,
    drop: async () => {},
  }));
  return {
    world,
    log: world.log,
    freeze: () => signalTree(server.pid, "SIGSTOP"),
    thaw: () => signalTree(server.pid, "SIGCONT"),
    stop: () => server.stop(),
    restart: async () => {
      server = await start(server.port);
    },
    slowDown: () => {
      proxy.weather = { delayMs: SLOW_PACKET_MS };
    },
    speedUp: () => {
      proxy.weather = "fair";
    },
    end: async () => {
      await world.end();
      await proxy.close();
      await signalTree(server.pid, "SIGCONT");
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same with a broker of its own; keys are still in Postgres, which stays well. */
export async function kafkaOfOwn(): Promise<Awaited<ReturnType<typeof postgresOfOwn>>> {
  const folder = await mkdtemp(join(tmpdir(), "trueclick-own-kafka-"));
  const server = await startLocalKafka({ dir: folder, log });
  const { brokers } = server;
  const world = await createEdgeWorld({ KAFKA_BROKERS: brokers }, createTestDatabase);
  const freeze = async () => void process.kill(server.pid, "SIGSTOP");
  const thaw = async () => void process.kill(server.pid, "SIGCONT");
  let stopPulse = () => {};
  return {
    world,
    log: createKafkaEventLog({ brokers: [brokers], clientId: "test" }),
    ...{ freeze, thaw },
    stop: () => server.kill9(),
    restart: () => server.restart(),
    slowDown: () => {
      let timer: NodeJS.Timeout;
      const run = () => {
        void thaw();
        timer = setTimeout(stand, PULSE_RUN_MS);
      };
      const stand = () => {
        void freeze();
        timer = setTimeout(run, PULSE_STAND_MS);
      };
      stand();
      stopPulse = () => {
        clearTimeout(timer);
        void thaw();
      };
    },
    speedUp: () => stopPulse(),
    end: async () => {
      await world.end();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Why the tests on Kafka cannot run here; null if they can. */
export const kafkaMissing = kafkaBrokers() === null ? "no Kafka on this machine" : null;

/** A server of Postgres is one process for each connection, beside the one that takes them. */
async function signalTree(pid: number, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
  const children = await promisify(execFile)("pgrep", ["-P", String(pid)]).catch(() => null);
  const pids = (children?.stdout ?? "").trim().split("\n").filter(Boolean).map(Number);
  for (const each of [pid, ...pids]) {
    try {
      process.kill(each, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}
