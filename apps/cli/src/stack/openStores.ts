import { openObjects } from "@trueclick/archive/openObjects";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import type { Stores } from "@trueclick/db/stores";
import type { EventLog } from "@trueclick/event-log";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import type { StackFile } from "./stackFile.ts";

/** A command does one thing after another; more connections would only be held. */
const CONNECTIONS_MAX = 4;

/** Opens both databases for the time of `use`, and closes them whatever comes of it. */
export async function withStores<Result>(
  stack: Pick<StackFile, "databaseUrl" | "clickhouseUrl" | "clickhouseCluster">,
  use: (stores: Stores) => Promise<Result>,
): Promise<Result> {
  const database = openDatabase(stack.databaseUrl, { connectionsMax: CONNECTIONS_MAX });
  const clickhouse = openClickHouse(stack.clickhouseUrl, stack.clickhouseCluster);
  try {
    return await use({ db: database.db, clickhouse });
  } finally {
    await Promise.all([database.close(), clickhouse.close()]);
  }
}

/** The log that the stack keeps its events in. */
export function openEventLog(stack: Pick<StackFile, "databaseUrl" | "kafkaBrokers">): EventLog {
  return stack.kafkaBrokers === null
    ? createPostgresEventLog({ connectionString: stack.databaseUrl })
    : createKafkaEventLog({ brokers: stack.kafkaBrokers, clientId: "trueclick-cli" });
}

/** The objects of the stack's archive. */
export function openStackObjects({
  s3,
  objectsDir,
  clickhouseCluster,
}: Pick<StackFile, "s3" | "objectsDir" | "clickhouseCluster">) {
  return openObjects(
    s3 === null ? { kind: "folder", dir: objectsDir } : { kind: "s3", ...s3 },
    clickhouseCluster?.name,
  );
}
