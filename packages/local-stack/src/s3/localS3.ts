/**
 * A real server of the S3 API on this machine, for tests: S3Proxy over a folder, loopback only. It
 * refuses what is not signed with its key (signature version 4) and honours conditional puts.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  type Availability,
  DEFAULT_TOOLS,
  ensureJars,
  type JavaProgram,
  jarsAvailable,
} from "../maven/mavenJars.ts";
import { type BoundProcess, endProcess, spawnBound } from "../process/boundProcess.ts";
import { onFreePorts } from "../process/ports.ts";

const S3PROXY: JavaProgram = {
  name: "S3Proxy",
  pomPath: join(import.meta.dirname, "../../s3/pom.xml"),
  cacheName: "trueclick-s3",
  megabytes: 57,
};

const LOG_SETTINGS_PATH = join(import.meta.dirname, "../../s3/logback.xml");
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 100;
const STOP_TIMEOUT_MS = 5_000;
const LAST_LINES_MAX = 30;

/** The key that the server takes. Known to all: it guards nothing but a test's folder. */
const KEY = { accessKeyId: "local-access-key", secretAccessKey: "local-secret-access-key" };

/** The server was fetched but did not come up; the message has its last words. */
export class LocalS3StartError extends Error {
  override readonly name = "LocalS3StartError";
}

export interface LocalS3Options {
  /** Holds settings and objects, created when missing. */
  readonly dir: string;
  /** Made before the start. */
  readonly bucket: string;
  readonly log: (line: string) => void;
}

export interface LocalS3 {
  /** `http://host:port`, the same after every `restart()`. Buckets are part of the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The folder that holds the bucket's objects as files. */
  readonly objectsDir: string;
  stop(): Promise<void>;
  /** Starts it again on the same data and port, stopping it first if it runs. */
  restart(): Promise<void>;
}

/** Whether `startLocalS3` can do its work here, found without downloading anything. */
export function localS3Available(): Promise<Availability> {
  return jarsAvailable(S3PROXY);
}

/**
 * Starts the server and waits until it answers. It ends with this process, even if that is killed.
 *
 * @throws {JavaProgramUnavailableError} There is no Java, or no jars and no way to get them.
 * @throws {LocalS3StartError} It gave up, or did not answer in time.
 */
export function startLocalS3(options: LocalS3Options): Promise<LocalS3> {
  return onFreePorts(["port"], ({ port }) => startOnPort(options, port));
}

async function startOnPort({ dir, bucket, log }: LocalS3Options, port: number): Promise<LocalS3> {
  const jarsDir = await ensureJars(S3PROXY, DEFAULT_TOOLS, log);
  const endpoint = `http://127.0.0.1:${port}`;
  const dataDir = join(dir, "data");
  const settingsPath = join(dir, "s3proxy.conf");
  await mkdir(join(dataDir, bucket), { recursive: true });
  await writeFile(settingsPath, toProperties(endpoint, dataDir));
  const command = [
    DEFAULT_TOOLS.java,
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    `-Dlogback.configurationFile=${LOG_SETTINGS_PATH}`,
    "-cp",
    join(jarsDir, "*"),
    "org.gaul.s3proxy.Main",
    "--properties",
    settingsPath,
  ];

  let jvm = await startServer(command, endpoint, log);
  const stop = () => endProcess(jvm, "SIGTERM", STOP_TIMEOUT_MS);
  return {
    endpoint,
    bucket,
    region: "us-east-1",
    ...KEY,
    objectsDir: join(dataDir, bucket),
    stop,
    restart: async () => {
      await stop();
      jvm = await startServer(command, endpoint, log);
    },
  };
}

function toProperties(endpoint: string, dataDir: string): string {
  const properties = {
    "s3proxy.endpoint": endpoint,
    "s3proxy.authorization": "aws-v4",
    "s3proxy.identity": KEY.accessKeyId,
    "s3proxy.credential": KEY.secretAccessKey,
    "jclouds.provider": "filesystem-nio2",
    "jclouds.filesystem.basedir": dataDir,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

async function startServer(
  command: readonly string[],
  endpoint: string,
  log: (line: string) => void,
): Promise<BoundProcess> {
  const lastLines: string[] = [];
  const jvm = await spawnBound({
    command,
    orphanSignal: "KILL",
    onLine: (line) => {
      lastLines.push(line);
      if (lastLines.length > LAST_LINES_MAX) lastLines.shift();
      log(line);
    },
  });
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!jvm.hasExited() && performance.now() < deadlineMs) {
    if (await answers(endpoint)) return jvm;
    await wait(READY_POLL_MS);
  }
  await endProcess(jvm, "SIGKILL", STOP_TIMEOUT_MS);
  throw new LocalS3StartError(`S3Proxy did not start. Its last words:\n${lastLines.join("\n")}`);
}

/** Any answer will do: without a signature it is a refusal. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
