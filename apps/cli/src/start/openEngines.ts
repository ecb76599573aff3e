/** Brings up both databases and, when asked for, a Kafka; says where they are. */
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { migrateClickHouse } from "@trueclick/db/clickhouse/migrate";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { openEventLog } from "../stack/openStores.ts";
import type { StackFile } from "../stack/stackFile.ts";
import { clickhouseEngine, type Engine, kafkaEngine, postgresEngine } from "./engines.ts";
import type { Secrets } from "./secrets.ts";
import type { StartSettings } from "./startSettings.ts";
import { type Supervision, supervise } from "./supervisor.ts";
import type { Teardown } from "./teardown.ts";

const QUARANTINE_TOPIC = "clicks.quarantine";

export interface OpenedEngines {
  readonly stack: StackFile;
  readonly supervisions: readonly Supervision[];
}

export async function openEngines(
  settings: StartSettings,
  secrets: Secrets,
  teardown: Teardown,
  onStart: (name: string, pid: number) => Promise<void>,
): Promise<OpenedEngines> {
  const { external } = settings;
  const supervisions: Supervision[] = [];
  const bringUp = async (engine: Engine) => {
    const supervision = await supervise(engine.program);
    teardown.add("engines", supervision);
    supervisions.push(supervision);
    return engine.address();
  };
  const [databaseUrl, clickhouseUrl, kafkaBrokers] = await settled([
    external.databaseUrl ?? postgresEngine(settings, secrets).then(bringUp),
    external.clickhouseUrl ??
      clickhouseEngine(settings, secrets, (pid) => onStart("clickhouse", pid)).then(bringUp),
    external.kafkaBrokers?.join(",") ?? (settings.kafka ? startKafka(settings, teardown) : ""),
  ]);
  const stack: StackFile = {
    databaseUrl,
    clickhouseUrl,
    clickhouseCluster: settings.clickhouseCluster,
    kafkaBrokers: kafkaBrokers === "" ? null : kafkaBrokers.split(","),
    objectsDir: settings.objectsDir,
    s3: settings.s3,
    webUrl: settings.webUrl,
    ingestUrl: settings.ingestUrl,
    eventsTopic: settings.eventsTopic,
  };
  return { stack, supervisions };
}

/** Waits for all of them even if one fails: what came up must be known to be taken down. */
async function settled(
  parts: readonly [string | Promise<string>, string | Promise<string>, string | Promise<string>],
): Promise<readonly [string, string, string]> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

async function startKafka(settings: StartSettings, teardown: Teardown): Promise<string> {
  const kafka = await kafkaEngine(settings);
  teardown.add("engines", kafka);
  return kafka.brokers;
}

/** Brings schemas and topics to what this version needs. */
export async function migrate(stack: StackFile, settings: StartSettings): Promise<void> {
  const clickhouse = openClickHouse(stack.clickhouseUrl, stack.clickhouseCluster);
  const admin = openEventLog(stack).admin();
  try {
    await Promise.all([
      migratePostgres(stack.databaseUrl),
      migrateClickHouse(clickhouse, stack.clickhouseCluster),
    ]);
    await admin.ensureTopic(stack.eventsTopic, {
      partitionCount: settings.eventsPartitions,
      retentionMs: null,
    });
    await admin.ensureTopic(QUARANTINE_TOPIC, { partitionCount: 1, retentionMs: null });
  } finally {
    await Promise.all([clickhouse.close(), admin.close()]);
  }
}
