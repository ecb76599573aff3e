/**
 * Starts the engines once for a whole run of integration tests, in a folder of their own, and ends
 * them after it. They also end when the run is killed, since each is bound to this process.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startClickHouse } from "../clickhouse/clickhouseProcess.ts";
import { kafkaAvailable } from "../kafka/kafkaJars.ts";
import { startLocalKafka } from "../kafka/localKafka.ts";
import { startEmbeddedPostgres } from "../postgres/embeddedPostgres.ts";
import { TWO_SHARDS_CONFIG } from "./twoShards.ts";

declare module "vitest" {
  export interface ProvidedContext {
    readonly postgresUrl: string;
    readonly clickhouseUrl: string;
    readonly objectsDir: string;
    readonly kafka: KafkaForTests;
  }
}

/** A broker, or why there is none. */
export type KafkaForTests =
  | { readonly brokers: string; readonly missing: null }
  | { readonly brokers: null; readonly missing: string };

interface Stoppable {
  stop(): Promise<void>;
}

/** Engines print much; a test that fails says what matters. */
const silent = () => {};

/** Vitest calls `setup` and `teardown` once each, in one process; what one started the other ends. */
const started: Stoppable[] = [];
let dir: string | undefined;

export async function teardown(): Promise<void> {
  await Promise.all(started.splice(0).map((engine) => engine.stop()));
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
}

export async function setup(project: TestProject): Promise<void> {
  dir = await mkdtemp(join(tmpdir(), "trueclick-test-"));
  const starts = startEngines(dir);
  try {
    const [postgres, clickhouse, kafka] = await Promise.all(starts);
    project.provide("postgresUrl", postgres.url);
    project.provide("clickhouseUrl", clickhouse.url);
    project.provide("objectsDir", join(dir, "objects"));
    project.provide("kafka", kafka);
  } catch (error) {
    // The others may still be starting; what has not started cannot be stopped.
    await Promise.allSettled(starts);
    await teardown();
    throw error;
  }
}

function startEngines(root: string) {
  return [
    startEmbeddedPostgres({
      dataDir: join(root, "postgres"),
      port: 0,
      password: "test",
      log: silent,
      // Tests of durability start servers of their own.
      settings: { fsync: "off" },
    }).then(keep),
    startClickHouse({
      dataDir: join(root, "clickhouse"),
      port: 0,
      moreConfig: TWO_SHARDS_CONFIG,
      log: silent,
    }).then(keep),
    startKafka(join(root, "kafka")),
  ] as const;
}

async function startKafka(kafkaDir: string): Promise<KafkaForTests> {
  const available = await kafkaAvailable();
  if (available.ok) {
    const broker = keep(await startLocalKafka({ dir: kafkaDir, log: silent }));
    return { brokers: broker.brokers, missing: null };
  }
  if (process.env["CI"] === "true") {
    throw new Error(`the tests need a Kafka, and here is none: ${available.reason}`);
  }
  process.stderr.write(`\nNo Kafka here, its tests are skipped: ${available.reason}\n\n`);
  return { brokers: null, missing: available.reason };
}

function keep<T extends Stoppable>(engine: T): T {
  started.push(engine);
  return engine;
}
