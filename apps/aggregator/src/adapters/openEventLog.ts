import type { EventLog } from "@trueclick/event-log";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";

/** Kafka where brokers are named, else the embedded log in Postgres. */
export function openEventLog(settings: {
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[] | undefined;
}): EventLog {
  return settings.kafkaBrokers === undefined
    ? createPostgresEventLog({ connectionString: settings.databaseUrl })
    : createKafkaEventLog({ brokers: settings.kafkaBrokers, clientId: "trueclick-aggregator" });
}
