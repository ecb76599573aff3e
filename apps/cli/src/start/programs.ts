/** The programs of the stack and what each is told. */
import { join } from "node:path";
import type { StackFile } from "../stack/stackFile.ts";
import type { CliContext } from "../terminal/context.ts";
import { openLogFile } from "./logFile.ts";
import { nodeFlags, type ProgramName } from "./nodeFlags.ts";
import { startNodeProgram } from "./nodeProgram.ts";
import type { Secrets } from "./secrets.ts";
import type { StartSettings } from "./startSettings.ts";
import type { SupervisedProgram } from "./supervisor.ts";

/** So that an hour of it does not dwarf the days of the demo's past. */
const DEMO_RATE_PER_SECOND = 1;

export interface ProgramHost {
  readonly context: CliContext;
  readonly settings: StartSettings;
  readonly secrets: Secrets;
  readonly stack: StackFile;
  readonly onStart: (name: string, pid: number) => Promise<void>;
}

export async function createProgram(
  host: ProgramHost,
  name: ProgramName,
): Promise<SupervisedProgram> {
  const log = await openLogFile(join(host.settings.dataDir.file("logs"), `${name}.log`));
  const env = { ...host.context.env, ...environmentOf(host) };
  const args = [...nodeFlags(name), ...commandOf(host, name)];
  return {
    name,
    log,
    start: () => startNodeProgram({ args, env, log }),
    onStart: (pid) => host.onStart(name, pid),
  };
}

function commandOf({ context: { root } }: ProgramHost, name: ProgramName): string[] {
  switch (name) {
    case "ingest":
    case "aggregator":
    case "web":
      return [join(root, `apps/${name}/src/main.ts`)];
    case "demo": {
      const cli = join(root, "apps/cli/src/main.ts");
      return [cli, "demo", "--rate", String(DEMO_RATE_PER_SECOND)];
    }
  }
}

function environmentOf({ settings, secrets, stack }: ProgramHost): Record<string, string> {
  return {
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    // glibc keeps freed memory in an arena for each of many threads; two are enough here.
    MALLOC_ARENA_MAX: "2",
    TRUECLICK_DATA: settings.dataDir.path,
    DATABASE_URL: stack.databaseUrl,
    CLICKHOUSE_URL: stack.clickhouseUrl,
    ...(stack.clickhouseCluster !== null && {
      CLICKHOUSE_CLUSTER: stack.clickhouseCluster.name,
      CLICKHOUSE_REPLICAS: String(stack.clickhouseCluster.replicas),
    }),
    ...(stack.kafkaBrokers === null ? {} : { KAFKA_BROKERS: stack.kafkaBrokers.join(",") }),
    EVENTS_TOPIC: stack.eventsTopic,
    EVENTS_PARTITIONS: String(settings.eventsPartitions),
    OBJECTS_DIR: stack.objectsDir,
    // One of each program runs here, so a new one need not wait for the leases of the last.
    AGGREGATOR_INSTANCE: "local",
    INGEST_PORT: String(settings.ingestPort),
    INGEST_URL: stack.ingestUrl,
    WEB_PORT: String(settings.webPort),
    WEB_URL: stack.webUrl,
    SPOOL_DIR: settings.dataDir.file("spool"),
    ...(settings.tokenKeys === undefined ? {} : { TOKEN_KEYS: settings.tokenKeys }),
    IP_HASH_KEY: settings.ipHashKey ?? secrets.ipHashKey,
    BETTER_AUTH_SECRET: settings.betterAuthSecret ?? secrets.betterAuthSecret,
    TRUECLICK_SOURCE_KEY: secrets.demoSourceKey,
  };
}
