import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const MODULE_DIR = import.meta.dirname;
const POM_PATH = join(MODULE_DIR, "../../kafka/pom.xml");
const CACHE_DIR = join(MODULE_DIR, "../../../../node_modules/.cache/trueclick-kafka");

/** The oldest Java that a Kafka 4 broker runs on. */
const JAVA_MAJOR_MIN = 17;
const JAVA_VERSION_TIMEOUT_MS = 20_000;
/** 45 MB over a slow line, with Maven's own retries. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/** Kafka cannot be had on this machine; the message says what is missing and what to do about it. */
export class KafkaUnavailableError extends Error {
  override readonly name = "KafkaUnavailableError";
}

export interface KafkaTools {
  /** Command that runs Java. */
  readonly java: string;
  /** Command that runs Maven; only used while the jars are not in the cache. */
  readonly maven: string;
}

export const DEFAULT_TOOLS: KafkaTools = { java: "java", maven: "mvn" };

/**
 * Finds the folder with the jars of a whole Kafka broker, downloading them from Maven Central on the
 * first call. Later calls need neither Maven nor a network, until `pom.xml` changes.
 *
 * @throws {KafkaUnavailableError} Java is missing or too old, or the jars are not there and cannot
 *   be fetched.
 */
export async function ensureKafkaJars(
  tools: KafkaTools,
  log: (line: string) => void,
): Promise<string> {
  await assertJava(tools.java);
  const jarsDir = await jarsDirOf(POM_PATH);
  if (existsSync(jarsDir)) return jarsDir;

  log("Downloading Apache Kafka from Maven Central (once, about 45 MB)");
  await mkdir(dirname(jarsDir), { recursive: true });
  const partialDir = await mkdtemp(`${jarsDir}-partial-`);
  try {
    await download(tools.maven, partialDir);
    // Only a whole set ever bears the final name, whoever dies when.
    await rename(partialDir, jarsDir);
  } catch (cause) {
    await rm(partialDir, { recursive: true, force: true });
    // Another process may have finished the same download first; its jars are as good.
    if (!existsSync(jarsDir)) throw cause;
  }
  return jarsDir;
}

/** Whether `ensureKafkaJars` can do its work here, found without downloading anything. */
export async function kafkaAvailable(
  tools: KafkaTools = DEFAULT_TOOLS,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }> {
  try {
    await assertJava(tools.java);
    if (!existsSync(await jarsDirOf(POM_PATH))) await assertMaven(tools.maven);
    return { ok: true };
  } catch (error) {
    if (error instanceof KafkaUnavailableError) return { ok: false, reason: error.message };
    throw error;
  }
}

async function jarsDirOf(pomPath: string): Promise<string> {
  const hash = createHash("sha256")
    .update(await readFile(pomPath))
    .digest("hex");
  return join(CACHE_DIR, hash.slice(0, 16));
}

async function assertJava(java: string): Promise<void> {
  const advice = `Install a Java runtime, version ${JAVA_MAJOR_MIN} or later, and have "java" on the PATH.`;
  let printed: string;
  try {
    const { stdout, stderr } = await run(java, ["-version"], { timeout: JAVA_VERSION_TIMEOUT_MS });
    printed = `${stderr}${stdout}`;
  } catch (cause) {
    throw new KafkaUnavailableError(`Kafka needs Java, which does not run here. ${advice}`, {
      cause,
    });
  }
  const major = Number(/version "(\d+)/.exec(printed)?.[1] ?? Number.NaN);
  if (!(major >= JAVA_MAJOR_MIN)) {
    const found = printed.split("\n", 1)[0];
    throw new KafkaUnavailableError(`Kafka needs a newer Java than this one: ${found}. ${advice}`);
  }
}

async function assertMaven(maven: string): Promise<void> {
  try {
    await run(maven, ["--version"], { timeout: JAVA_VERSION_TIMEOUT_MS });
  } catch (cause) {
    throw new KafkaUnavailableError(
      'Kafka is fetched with Apache Maven, which does not run here. Install it and have "mvn" on the PATH.',
      { cause },
    );
  }
}

async function download(maven: string, targetDir: string): Promise<void> {
  await assertMaven(maven);
  const goal = "dependency:copy-dependencies";
  const options = [`-DoutputDirectory=${targetDir}`, "-DincludeScope=runtime"];
  try {
    await run(maven, ["-q", "-B", "-f", POM_PATH, goal, ...options], {
      timeout: DOWNLOAD_TIMEOUT_MS,
    });
  } catch (cause) {
    throw new KafkaUnavailableError(
      `Maven could not fetch Kafka: ${firstErrorLine(cause)}. Is there a network?`,
      { cause },
    );
  }
}

function firstErrorLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const line = text.split("\n").find((candidate) => candidate.includes("[ERROR]"));
  return (line ?? text.split("\n", 1)[0] ?? "").replace("[ERROR]", "").trim();
}
