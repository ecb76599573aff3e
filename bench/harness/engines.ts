/** Engines of a benchmark, in a folder that goes with them. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { startLocalKafka } from "@trueclick/local-stack/kafka";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { makeBenchFolder } from "./benchFolder.ts";

export interface Engine {
  /** What a client is told to reach it. */
  readonly address: string;
  stop(): Promise<void>;
}

const quiet = () => {};

export async function startPostgres(): Promise<Engine> {
  const dir = await makeBenchFolder();
  const options = { dataDir: join(dir, "postgres"), port: 0, password: "bench", log: quiet };
  const postgres = await startEmbeddedPostgres(options);
  const stop = async () => {
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { address: postgres.url, stop };
}

/** @throws {JavaProgramUnavailableError} where Kafka cannot run. */
export async function startKafka(): Promise<Engine> {
  const dir = await makeBenchFolder();
  const kafka = await startLocalKafka({ dir, log: quiet });
  const stop = async () => {
    await kafka.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { address: kafka.brokers, stop };
}
