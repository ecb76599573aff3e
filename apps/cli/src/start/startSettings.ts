import { join } from "node:path";
import { z } from "zod";
import { type DataDir, findDataDir } from "../stack/dataDir.ts";
import { clusterSettings, EVENTS_TOPIC_DEFAULT, s3Settings } from "../stack/settings.ts";
import type { StackFile } from "../stack/stackFile.ts";
import type { CliContext } from "../terminal/context.ts";
import { UsageError } from "../terminal/errors.ts";

const port = (fallback: number) => z.coerce.number().int().min(1).max(65_535).default(fallback);
const optionalPort = z.coerce.number().int().min(1).max(65_535).optional();
const optionalText = z.string().min(1).optional();

const PARTITIONS_MAX = 256;

const envSchema = z.object({
  WEB_PORT: port(3000),
  INGEST_PORT: port(4000),
  POSTGRES_PORT: optionalPort,
  CLICKHOUSE_PORT: optionalPort,
  DATABASE_URL: optionalText,
  CLICKHOUSE_URL: optionalText,
  KAFKA_BROKERS: optionalText,
  OBJECTS_DIR: optionalText,
  EVENTS_TOPIC: z.string().min(1).default(EVENTS_TOPIC_DEFAULT),
  EVENTS_PARTITIONS: z.coerce.number().int().min(1).max(PARTITIONS_MAX).default(2),
  BETTER_AUTH_SECRET: optionalText,
  IP_HASH_KEY: optionalText,
  TOKEN_KEYS: optionalText,
});

export interface StartFlags {
  /** Live demo traffic. */
  readonly demo: boolean;
  /** Lay down the demo organisation's past. */
  readonly history: boolean;
  readonly fresh: boolean;
  readonly kafka: boolean;
  readonly data?: string | undefined;
}

/** Everything that a start was told, by flags and by the environment. */
export interface StartSettings extends StartFlags {
  readonly dataDir: DataDir;
  readonly webPort: number;
  readonly ingestPort: number;
  /** Undefined: any port will do. */
  readonly postgresPort: number | undefined;
  readonly clickhousePort: number | undefined;
  /** Parts that run elsewhere; undefined for those that we start. */
  readonly external: {
    readonly databaseUrl: string | undefined;
    readonly clickhouseUrl: string | undefined;
    readonly kafkaBrokers: readonly string[] | undefined;
  };
  /** Of which the servers behind `external.clickhouseUrl` are. */
  readonly clickhouseCluster: StackFile["clickhouseCluster"];
  readonly objectsDir: string;
  /** The bucket that takes the folder's place. */
  readonly s3: StackFile["s3"];
  readonly eventsTopic: string;
  readonly eventsPartitions: number;
  readonly betterAuthSecret: string | undefined;
  readonly ipHashKey: string | undefined;
  /** As the edge takes them: JSON of keys by key id. */
  readonly tokenKeys: string | undefined;
  readonly webUrl: string;
  readonly ingestUrl: string;
}

/** @throws {UsageError} naming the variable or the flags that cannot be. */
export function loadStartSettings(context: CliContext, flags: StartFlags): StartSettings {
  const given = Object.entries(context.env).filter(([, value]) => value !== "");
  const parsed = envSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join(".")}: ${message}`,
    );
    throw new UsageError(problems.join("\n"));
  }
  const env = parsed.data;
  if (flags.kafka && env.KAFKA_BROKERS !== undefined) {
    throw new UsageError(
      "--kafka starts a Kafka here, KAFKA_BROKERS names one elsewhere: not both",
    );
  }
  const external = {
    databaseUrl: env.DATABASE_URL,
    clickhouseUrl: env.CLICKHOUSE_URL,
    kafkaBrokers: env.KAFKA_BROKERS?.split(","),
  };
  const s3 = s3Settings(context.env);
  // Objects are named by offsets: of a new log, others would come to bear the names of those that stayed.
  const elsewhere = [...Object.values(external), env.OBJECTS_DIR, s3 ?? undefined];
  if (flags.fresh && elsewhere.some((part) => part !== undefined)) {
    throw new UsageError(
      "--fresh empties the data folder only; data behind DATABASE_URL, CLICKHOUSE_URL, KAFKA_BROKERS,\n" +
        "OBJECTS_DIR and S3_BUCKET would stay and no longer fit it. Empty those yourself and start without.",
    );
  }
  const clickhouseCluster = clusterSettings(context.env);
  if (clickhouseCluster !== null && external.clickhouseUrl === undefined) {
    throw new UsageError("CLICKHOUSE_CLUSTER needs CLICKHOUSE_URL: the engine here is no cluster");
  }
  const dataDir = findDataDir(context, flags.data);
  return {
    ...flags,
    dataDir,
    webPort: env.WEB_PORT,
    ingestPort: env.INGEST_PORT,
    postgresPort: env.POSTGRES_PORT,
    clickhousePort: env.CLICKHOUSE_PORT,
    external,
    clickhouseCluster,
    objectsDir: env.OBJECTS_DIR ?? join(dataDir.path, "objects"),
    s3,
    eventsTopic: env.EVENTS_TOPIC,
    eventsPartitions: env.EVENTS_PARTITIONS,
    betterAuthSecret: env.BETTER_AUTH_SECRET,
    ipHashKey: env.IP_HASH_KEY,
    tokenKeys: env.TOKEN_KEYS,
    webUrl: `http://127.0.0.1:${env.WEB_PORT}`,
    ingestUrl: `http://127.0.0.1:${env.INGEST_PORT}`,
  };
}
