import { parseObjectsVariables, toObjectsSettings } from "@trueclick/archive/objectsSettings";
import { parseClickHouseCluster } from "@trueclick/db/clickhouse/cluster/clickhouseCluster";
import { z } from "zod";
import type { CliContext } from "../terminal/context.ts";
import { CliError, UsageError } from "../terminal/errors.ts";
import { findDataDir } from "./dataDir.ts";
import { demoFileSchema, readJsonFile, type StackFile, stackFileSchema } from "./stackFile.ts";

export const EVENTS_TOPIC_DEFAULT = "clicks.raw";

/**
 * Where the stack is: what the environment says, and for the rest what the last `trueclick start`
 * noted in the data folder.
 *
 * @throws {CliError} `no_stack` when neither names all parts.
 */
export async function resolveStack(context: CliContext): Promise<StackFile> {
  const { env } = context;
  const noted = await readJsonFile(findDataDir(context).file("stack"), stackFileSchema);
  const brokers = env["KAFKA_BROKERS"];
  const databaseUrl = env["DATABASE_URL"] ?? noted?.databaseUrl;
  const clickhouseUrl = env["CLICKHOUSE_URL"] ?? noted?.clickhouseUrl;
  if (databaseUrl === undefined || clickhouseUrl === undefined) {
    throw new CliError(
      "no_stack",
      "No stack is known here. Start one with `npm start`, or set DATABASE_URL and CLICKHOUSE_URL\n" +
        "(and KAFKA_BROKERS, INGEST_URL) to use one elsewhere. TRUECLICK_DATA names the data folder.",
    );
  }
  return {
    databaseUrl,
    clickhouseUrl,
    clickhouseCluster: clusterSettings(env) ?? noted?.clickhouseCluster ?? null,
    kafkaBrokers: brokers === undefined ? (noted?.kafkaBrokers ?? null) : brokers.split(","),
    s3: s3Settings(env) ?? noted?.s3 ?? null,
    objectsDir: env["OBJECTS_DIR"] ?? noted?.objectsDir ?? findDataDir(context).file("objects"),
    webUrl: env["WEB_URL"] ?? noted?.webUrl ?? "http://127.0.0.1:3000",
    ingestUrl: env["INGEST_URL"] ?? noted?.ingestUrl ?? "http://127.0.0.1:4000",
    eventsTopic: env["EVENTS_TOPIC"] ?? noted?.eventsTopic ?? EVENTS_TOPIC_DEFAULT,
  };
}

/**
 * The bucket that the environment names; null when it names none.
 *
 * @throws {UsageError} naming the variable that cannot be, or those that go together.
 */
export function s3Settings(env: CliContext["env"]): StackFile["s3"] {
  const settings = orUsageError(() => toObjectsSettings(parseObjectsVariables(env)));
  if (settings?.kind !== "s3") return null;
  const { kind: _, ...s3 } = settings;
  return s3;
}

/**
 * The ClickHouse cluster that the environment names; null when it names none.
 *
 * @throws {UsageError} naming the variable that cannot be.
 */
export function clusterSettings(env: CliContext["env"]): StackFile["clickhouseCluster"] {
  return orUsageError(() => parseClickHouseCluster(env));
}

function orUsageError<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new UsageError(problem);
  }
}

/** The edge's address alone, for verbs that need nothing else. */
export async function resolveIngestUrl(context: CliContext): Promise<string> {
  const noted = await readJsonFile(findDataDir(context).file("stack"), stackFileSchema);
  return context.env["INGEST_URL"] ?? noted?.ingestUrl ?? "http://127.0.0.1:4000";
}

/**
 * The key to send events with: the argument, else `TRUECLICK_SOURCE_KEY`, else that of the demo.
 *
 * @throws {CliError} `no_source_key` when there is none of them.
 */
export async function resolveSourceKey(context: CliContext, given?: string): Promise<string> {
  const named = given ?? context.env["TRUECLICK_SOURCE_KEY"];
  if (named !== undefined) return named;
  const demo = await readJsonFile(findDataDir(context).file("demo"), demoFileSchema);
  if (demo !== null) return demo.ingestKey;
  throw new CliError(
    "no_source_key",
    "No source key: give one with --source KEY, or make one with `trueclick keys create source`.",
  );
}
