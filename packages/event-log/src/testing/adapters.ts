/** The adapters as the contract meets them: on the shared engines, or on one of its own to kill. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startLocalKafka } from "@trueclick/local-stack/kafka";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { createTestDatabase, kafkaBrokers } from "@trueclick/local-stack/testing";
import kafkajs from "kafkajs";
import pg from "pg";
import { createKafkaEventLog } from "../kafka/kafkaEventLog.ts";
import type { EventLog } from "../port.ts";
import { createPostgresEventLog } from "../postgres/postgresEventLog.ts";

/** How a program of its own is told which log to open. */
export interface LogAddress {
  readonly adapter: "kafka" | "postgres";
  readonly at: string;
}

export interface LogUnderTest {
  readonly log: EventLog;
  readonly address: LogAddress;
  /** Appends as somebody would who has never heard of this package. */
  appendForeign(topic: string, partition: number, values: readonly string[]): Promise<void>;
  /** Has the log drop the records before an offset, all of which are past their retention. */
  expireBefore(topic: string, partition: number, offset: bigint): Promise<void>;
  close(): Promise<void>;
}

export interface KillableLog extends LogUnderTest {
  kill9(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Starts it again after either. */
  restart(): Promise<void>;
  /** It keeps its connections and says nothing, until it is thawed. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

export interface Adapter {
  readonly name: string;
  /** Why its tests cannot run here; null if they can. */
  readonly missing: string | null;
  /** On the shared engine, away from what other tests do there. */
  open(): Promise<LogUnderTest>;
  /** On an engine of its own. */
  openKillable(): Promise<KillableLog>;
}

/** Loud where the tests cannot run: the reason stands in the report. */
export function titleOf({ name, missing }: Adapter): string {
  return missing === null ? name : `${name} (SKIPPED: ${missing})`;
}

/** @param timeoutMs How long an append may take; the adapter's own default if not given. */
export function openLog({ adapter, at }: LogAddress, timeoutMs?: number): EventLog {
  if (adapter === "postgres") {
    const limit = timeoutMs === undefined ? {} : { appendTimeoutMs: timeoutMs };
    return createPostgresEventLog({ connectionString: at, ...limit });
  }
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  return createKafkaEventLog({ brokers: [at], clientId: "contract", ...limit });
}

const quiet = () => undefined;

function postgresUnderTest(url: string) {
  const address: LogAddress = { adapter: "postgres", at: url };
  const log = openLog(address);
  return {
    log,
    address,
    appendForeign: async (topic: string, partition: number, values: readonly string[]) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        for (const value of values) {
          await client.query("SELECT event_log.append($1, $2, $3)", [
            topic,
            partition,
            Buffer.from(value),
          ]);
        }
      } finally {
        await client.end();
      }
    },
    expireBefore: async (topic: string) => {
      await log.admin().applyRetention(topic);
    },
  };
}

export const postgresAdapter: Adapter = {
  name: "postgres",
  missing: null,
  open: async () => {
    const database = await createTestDatabase();
    return { ...postgresUnderTest(database.url), close: () => database.drop() };
  },
  openKillable: async () => {
    const dir = await mkdtemp(join(tmpdir(), "trueclick-log-postgres-"));
    const dataDir = join(dir, "data");
    // A server whose default is to ack before anything is on disk: the log must insist by itself.
    const settings = { synchronous_commit: "off" };
    const start = (port: number) =>
      startEmbeddedPostgres({ dataDir, port, password: "test", log: quiet, settings });
    let server = await start(0);
    return {
      ...postgresUnderTest(server.url),
      kill9: async () => {
        await signalTree(server.pid, "SIGKILL");
        await server.exited;
      },
      stop: () => server.stop(),
      freeze: () => signalTree(server.pid, "SIGSTOP"),
      thaw: () => signalTree(server.pid, "SIGCONT"),
      restart: async () => {
        server = await start(server.port);
      },
      close: async () => {
        await server.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  },
};

type TreeSignal = "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** A server process goes on for a moment when its parent is gone; here all get it at once. */
async function signalTree(pid: number, signal: TreeSignal): Promise<void> {
  const { stdout } = await promisify(execFile)("pgrep", ["-P", String(pid)]);
  for (const each of [pid, ...stdout.trim().split("\n").map(Number)]) {
    try {
      process.kill(each, signal);
    } catch {
      // It ended by itself, seeing its parent gone.
    }
  }
}

function kafkaUnderTest(brokers: string) {
  const address: LogAddress = { adapter: "kafka", at: brokers };
  const plain = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  return {
    log: openLog(address),
    address,
    appendForeign: async (topic: string, partition: number, values: readonly string[]) => {
      const producer = plain.producer({ createPartitioner: () => () => partition });
      await producer.connect();
      const codecs = [kafkajs.CompressionTypes.None, kafkajs.CompressionTypes.GZIP];
      for (const [index, value] of values.entries()) {
        const compression = codecs[index % codecs.length] ?? kafkajs.CompressionTypes.None;
        // A clock of its own, long ago: the log must go by its own.
        const messages = [{ key: "theirs", value, timestamp: "86400000" }];
        await producer.send({ topic, compression, messages });
      }
      await producer.disconnect();
    },
    expireBefore: async (topic: string, partition: number, offset: bigint) => {
      const admin = plain.admin();
      await admin.connect();
      // Has kafkajs learn who leads the partition; the deletion itself does not ask.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({
        topic,
        partitions: [{ partition, offset: offset.toString() }],
      });
      await admin.disconnect();
    },
  };
}

export const kafkaAdapter: Adapter = {
  name: "kafka",
  missing: kafkaBrokers() === null ? "no Kafka on this machine" : null,
  open: async () => {
    const brokers = kafkaBrokers();
    if (brokers === null) throw new Error("There is no Kafka here; the test should not have run");
    return { ...kafkaUnderTest(brokers), close: () => Promise.resolve() };
  },
  openKillable: async () => {
    const dir = await mkdtemp(join(tmpdir(), "trueclick-log-kafka-"));
    const server = await startLocalKafka({ dir, log: quiet });
    return {
      ...kafkaUnderTest(server.brokers),
      kill9: () => server.kill9(),
      stop: () => server.stop(),
      freeze: async () => void process.kill(server.pid, "SIGSTOP"),
      thaw: async () => void process.kill(server.pid, "SIGCONT"),
      restart: () => server.restart(),
      close: async () => {
        await server.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  },
};
