/** The engines of the embedded stack: each started here, or used where the user says it is. */
import { join } from "node:path";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { startLocalKafka } from "@trueclick/local-stack/kafka";
import { PortBusyError } from "@trueclick/local-stack/ports";
import { startEmbeddedPostgres } from "@trueclick/local-stack/postgres";
import { CliError } from "../terminal/errors.ts";
import type { LogFile } from "./logFile.ts";
import { openLogFile } from "./logFile.ts";
import type { Secrets } from "./secrets.ts";
import type { StartSettings } from "./startSettings.ts";
import type { SupervisedProgram } from "./supervisor.ts";

/** Tried first, so that a tool pointed at the engine stays pointed at it; any other will do. */
const POSTGRES_PORT_DEFAULT = 54_329;
const CLICKHOUSE_PORT_DEFAULT = 18_123;

export interface Engine {
  readonly program: SupervisedProgram;
  /** Known once the program was started. */
  address(): string;
}

/** What an engine's starter answers, as far as we need it. */
interface StartedEngine {
  readonly port: number;
  readonly pid: number;
  readonly url: string;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

type OnStart = SupervisedProgram["onStart"];

export async function postgresEngine(settings: StartSettings, secrets: Secrets): Promise<Engine> {
  const log = await openLogFile(join(settings.dataDir.file("logs"), "postgres.log"));
  return toEngine({
    name: "postgres",
    log,
    variable: "POSTGRES_PORT",
    port: settings.postgresPort,
    portDefault: POSTGRES_PORT_DEFAULT,
    // Postgres finds and ends its own orphan, by the process id in its data folder.
    onStart: async () => {},
    start: (port) =>
      startEmbeddedPostgres({
        dataDir: settings.dataDir.file("postgres"),
        port,
        password: secrets.postgresPassword,
        log: (line) => log.write(line),
      }),
  });
}

export async function clickhouseEngine(
  settings: StartSettings,
  secrets: Secrets,
  onStart: OnStart,
): Promise<Engine> {
  const log = await openLogFile(join(settings.dataDir.file("logs"), "clickhouse.log"));
  return toEngine({
    name: "clickhouse",
    log,
    variable: "CLICKHOUSE_PORT",
    port: settings.clickhousePort,
    portDefault: CLICKHOUSE_PORT_DEFAULT,
    onStart,
    start: (port) =>
      startClickHouse({
        dataDir: settings.dataDir.file("clickhouse"),
        port,
        password: secrets.clickhousePassword,
        log: (line) => log.write(line),
      }),
  });
}

interface EngineParts {
  readonly name: string;
  readonly log: LogFile;
  readonly variable: string;
  readonly port: number | undefined;
  readonly portDefault: number;
  readonly onStart: OnStart;
  start(port: number): Promise<StartedEngine>;
}

function toEngine(parts: EngineParts): Engine {
  // Once started, it comes back on the same port: its users have been told that one.
  let fixedPort = parts.port;
  let url = "";
  const start = async () => {
    const engine = await startOnPort(parts, fixedPort);
    fixedPort = engine.port;
    url = engine.url;
    return {
      pid: engine.pid,
      exited: engine.exited,
      stop: () => engine.stop(),
      kill: () => void engine.stop(),
    };
  };
  return {
    program: { name: parts.name, log: parts.log, start, onStart: parts.onStart },
    address: () => url,
  };
}

async function startOnPort(parts: EngineParts, port: number | undefined): Promise<StartedEngine> {
  try {
    return await parts.start(port ?? parts.portDefault);
  } catch (error) {
    if (!(error instanceof PortBusyError)) throw didNotStart(parts, error);
    if (port === undefined) return parts.start(0);
    throw portBusy(port, parts.variable, parts.name, error);
  }
}

function didNotStart({ name, log }: EngineParts, cause: unknown): CliError {
  const words = log.lastLines().map((line) => `    ${line}`);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `${name} did not start: ${reason}. Its last words, from ${log.path}:`;
  return new CliError("engine_failed", [text, ...words].join("\n"), { cause });
}

/** Says which port, what wants it, and the ways out. */
export function portBusy(port: number, variable: string, what: string, cause: unknown): CliError {
  return new CliError(
    "port_busy",
    `Port ${port} (for ${what}) is taken by another program. End that program, or give another\n` +
      `port: ${variable}=${port + 1} npm start`,
    { cause },
  );
}

export interface KafkaEngine {
  readonly brokers: string;
  stop(): Promise<void>;
}

/** A Kafka of our own, for `--kafka`. It has no supervisor: its clients wait and connect again. */
export async function kafkaEngine(settings: StartSettings): Promise<KafkaEngine> {
  const log = await openLogFile(join(settings.dataDir.file("logs"), "kafka.log"));
  return startLocalKafka({
    dir: settings.dataDir.file("kafka"),
    log: (line) => log.write(line),
  });
}
