/**
 * A real Apache Kafka on this machine, for tests and for `npm start -- --kafka`: one process, KRaft,
 * loopback only. Not for production: see `toServerProperties` for what its acks are worth.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DEFAULT_TOOLS, ensureJars, type JavaTools } from "../maven/mavenJars.ts";
import { type BoundProcess, endProcess, spawnBound } from "../process/boundProcess.ts";
import { claimPort, onFreePorts } from "../process/ports.ts";
import { KAFKA } from "./kafkaJars.ts";
import { type KafkaPorts, toServerProperties } from "./serverProperties.ts";

const run = promisify(execFile);

const LOG_SETTINGS_PATH = join(import.meta.dirname, "../../kafka/log4j2.properties");
const READY_LINE = /Kafka Server started/;
const READY_TIMEOUT_MS = 60_000;
const FORMAT_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** Lines kept to explain a start that failed. */
const LAST_LINES_MAX = 30;

/** Kafka is installed but did not come up; the message names the cause where it is a known one. */
export class KafkaStartError extends Error {
  override readonly name = "KafkaStartError";
}

export interface LocalKafkaOptions {
  /** Holds the settings and the data, created when missing. One running Kafka per folder. */
  readonly dir: string;
  /** Takes warnings and errors of the broker and a word on downloads, line by line. */
  readonly log: (line: string) => void;
  /** TCP port for clients; 0, the default, takes a free one. */
  readonly port?: number;
  readonly tools?: JavaTools;
}

export interface LocalKafka {
  /** `host:port`, the same after every `restart()`. */
  readonly brokers: string;
  /** Process id of the broker's JVM; another one after a `restart()`. */
  readonly pid: number;
  /** Ends the broker in good order, by force after 10 s. Does nothing when it is not running. */
  stop(): Promise<void>;
  /** Ends the broker as a crash would. Resolves once it is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same data and the same port, stopping it first if it runs. */
  restart(): Promise<void>;
}

/**
 * Starts a Kafka broker and waits until it takes requests. It ends with this process, even if that
 * is killed.
 *
 * @throws {JavaProgramUnavailableError} There is no Java, or no jars and no way to get them.
 * @throws {PortBusyError} The port is taken.
 * @throws {KafkaStartError} The folder is in use, or the broker gave up.
 */
export async function startLocalKafka(options: LocalKafkaOptions): Promise<LocalKafka> {
  const { port = 0 } = options;
  if (port === 0) {
    return onFreePorts(["broker", "controller"], (ports) => startOnPorts(options, ports));
  }
  const broker = await claimPort(port, "Kafka");
  return onFreePorts(["controller"], (ports) => startOnPorts(options, { broker, ...ports }));
}

async function startOnPorts(options: LocalKafkaOptions, ports: KafkaPorts): Promise<LocalKafka> {
  const tools = options.tools ?? DEFAULT_TOOLS;
  const jarsDir = await ensureJars(KAFKA, tools, options.log);
  const settingsPath = join(options.dir, "server.properties");
  const java = [
    tools.java,
    "-Xms64m",
    "-Xmx384m",
    // Two threads of our own programs need the cores more than Kafka needs a concurrent collector.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    `-Dlog4j2.configurationFile=${LOG_SETTINGS_PATH}`,
    "-cp",
    join(jarsDir, "*"),
  ];

  await mkdir(options.dir, { recursive: true });
  await writeFile(settingsPath, toServerProperties(options.dir, ports));
  await formatOnce(options.dir, settingsPath, java);

  const start = async () => {
    // Each time anew: a second start on this folder, refused for its lock, may have changed them.
    await writeFile(settingsPath, toServerProperties(options.dir, ports));
    return startBroker([...java, "kafka.Kafka", settingsPath], options);
  };
  let jvm = await start();
  const end = (signal: "SIGTERM" | "SIGKILL") => endProcess(jvm, signal, STOP_TIMEOUT_MS);
  return {
    brokers: `127.0.0.1:${ports.broker}`,
    get pid() {
      return jvm.pid;
    },
    stop: () => end("SIGTERM"),
    kill9: () => end("SIGKILL"),
    restart: async () => {
      await end("SIGTERM");
      jvm = await start();
    },
  };
}

/**
 * Gives the folders their cluster id. Always the same one and skipping what has it already, so that
 * a format that was cut short is finished by the next.
 */
async function formatOnce(
  dir: string,
  settingsPath: string,
  java: readonly string[],
): Promise<void> {
  const marks = ["metadata", "data"].map((name) => join(dir, name, "meta.properties"));
  if (marks.every((path) => existsSync(path))) return;

  const clusterId = Buffer.from("trueclick, local").toString("base64url");
  const format = ["format", "--ignore-formatted", "-t", clusterId, "-c", settingsPath];
  const [command = "java", ...args] = [...java, "kafka.tools.StorageTool", ...format];
  try {
    await run(command, args, { timeout: FORMAT_TIMEOUT_MS });
  } catch (cause) {
    throw new KafkaStartError(`Kafka could not prepare its data folder ${dir}`, { cause });
  }
}

async function startBroker(
  command: readonly string[],
  { dir, log }: LocalKafkaOptions,
): Promise<BoundProcess> {
  const lastLines: string[] = [];
  const ready = Promise.withResolvers<"ready">();
  const jvm = await spawnBound({
    command,
    // What Kafka has acked lies in the page cache; there is nothing that it must still do.
    orphanSignal: "KILL",
    onLine: (line) => {
      if (READY_LINE.test(line)) return ready.resolve("ready");
      lastLines.push(line);
      if (lastLines.length > LAST_LINES_MAX) lastLines.shift();
      log(line);
    },
  });
  const timeout = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => timeout.resolve("timeout"), READY_TIMEOUT_MS);
  const ended = jvm.exited.then(() => "ended" as const);
  const outcome = await Promise.race([ready.promise, ended, timeout.promise]);
  clearTimeout(timer);
  if (outcome === "ready") return jvm;

  await endProcess(jvm, "SIGKILL", STOP_TIMEOUT_MS);
  throw new KafkaStartError(explainFailure(dir, lastLines));
}

function explainFailure(dir: string, lines: readonly string[]): string {
  const text = lines.join("\n");
  if (/Failed to acquire lock/.test(text)) return `Another Kafka is running on the data in ${dir}`;
  const address = /Socket server failed to bind to (\S+?):(\d+)/.exec(text);
  if (address !== null) return `Kafka's port ${address[2]} is taken by another program`;
  if (/No space left on device/.test(text))
    return `Kafka found no space left on the disk of ${dir}`;
  return `Kafka did not start. Its last words:\n${text}`;
}
