import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const CACHE_DIR = join(import.meta.dirname, "../../../../node_modules/.cache");

/** What the programs run on: Kafka 4 needs it, and the others are content with it. */
const JAVA_MAJOR_MIN = 17;
const JAVA_VERSION_TIMEOUT_MS = 20_000;
/** 60 MB over a slow line, with Maven's own retries. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/** A program of the Java world whose jars Maven fetches: named by its `pom.xml`. */
export interface JavaProgram {
  /** For people: "Kafka". */
  readonly name: string;
  readonly pomPath: string;
  /** Folder below the cache of the workspace. */
  readonly cacheName: string;
  readonly megabytes: number;
}

/** It cannot be had on this machine; the message says what is missing and what to do about it. */
export class JavaProgramUnavailableError extends Error {
  override readonly name = "JavaProgramUnavailableError";
}

export interface JavaTools {
  /** Command that runs Java. */
  readonly java: string;
  /** Command that runs Maven; only used while the jars are not in the cache. */
  readonly maven: string;
}

export const DEFAULT_TOOLS: JavaTools = { java: "java", maven: "mvn" };

/** Whether a program can be had here. */
export type Availability = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * Finds the folder with the jars of a program, downloading them from Maven Central on the first
 * call. Later calls need neither Maven nor a network, until its `pom.xml` changes.
 *
 * @throws {JavaProgramUnavailableError} Java is missing or too old, or the jars are not there and
 *   cannot be fetched.
 */
export async function ensureJars(
  program: JavaProgram,
  tools: JavaTools,
  log: (line: string) => void,
): Promise<string> {
  await assertJava(program, tools.java);
  const jarsDir = await jarsDirOf(program);
  if (existsSync(jarsDir)) return jarsDir;

  log(`Downloading ${program.name} from Maven Central (once, about ${program.megabytes} MB)`);
  await mkdir(dirname(jarsDir), { recursive: true });
  const partialDir = await mkdtemp(`${jarsDir}-partial-`);
  try {
    await download(program, tools.maven, partialDir);
    // Only a whole set ever bears the final name, whoever dies when.
    await rename(partialDir, jarsDir);
  } catch (cause) {
    await rm(partialDir, { recursive: true, force: true });
    // Another process may have finished the same download first; its jars are as good.
    if (!existsSync(jarsDir)) throw cause;
  }
  return jarsDir;
}

/** Whether `ensureJars` can do its work here, found without downloading anything. */
export async function jarsAvailable(
  program: JavaProgram,
  tools: JavaTools = DEFAULT_TOOLS,
): Promise<Availability> {
  try {
    await assertJava(program, tools.java);
    if (!existsSync(await jarsDirOf(program))) await assertMaven(program, tools.maven);
    return { ok: true };
  } catch (error) {
    if (error instanceof JavaProgramUnavailableError) return { ok: false, reason: error.message };
    throw error;
  }
}

async function jarsDirOf({ pomPath, cacheName }: JavaProgram): Promise<string> {
  const hash = createHash("sha256")
    .update(await readFile(pomPath))
    .digest("hex");
  return join(CACHE_DIR, cacheName, hash.slice(0, 16));
}

async function assertJava({ name }: JavaProgram, java: string): Promise<void> {
  const advice = `Install a Java runtime, version ${JAVA_MAJOR_MIN} or later, and have "java" on the PATH.`;
  let printed: string;
  try {
    const { stdout, stderr } = await run(java, ["-version"], { timeout: JAVA_VERSION_TIMEOUT_MS });
    printed = `${stderr}${stdout}`;
  } catch (cause) {
    throw new JavaProgramUnavailableError(
      `${name} needs Java, which does not run here. ${advice}`,
      { cause },
    );
  }
  const major = Number(/version "(\d+)/.exec(printed)?.[1] ?? Number.NaN);
  if (!(major >= JAVA_MAJOR_MIN)) {
    const found = printed.split("\n", 1)[0];
    throw new JavaProgramUnavailableError(
      `${name} needs a newer Java than this one: ${found}. ${advice}`,
    );
  }
}

async function assertMaven({ name }: JavaProgram, maven: string): Promise<void> {
  try {
    await run(maven, ["--version"], { timeout: JAVA_VERSION_TIMEOUT_MS });
  } catch (cause) {
    throw new JavaProgramUnavailableError(
      `${name} is fetched with Apache Maven, which does not run here. Install it and have "mvn" on the PATH.`,
      { cause },
    );
  }
}

async function download(program: JavaProgram, maven: string, targetDir: string): Promise<void> {
  await assertMaven(program, maven);
  const goal = "dependency:copy-dependencies";
  const options = [`-DoutputDirectory=${targetDir}`, "-DincludeScope=runtime"];
  try {
    await run(maven, ["-q", "-B", "-f", program.pomPath, goal, ...options], {
      timeout: DOWNLOAD_TIMEOUT_MS,
    });
  } catch (cause) {
    throw new JavaProgramUnavailableError(
      `Maven could not fetch ${program.name}: ${firstErrorLine(cause)}. Is there a network?`,
      { cause },
    );
  }
}

function firstErrorLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const line = text.split("\n").find((candidate) => candidate.includes("[ERROR]"));
  return (line ?? text.split("\n", 1)[0] ?? "").replace("[ERROR]", "").trim();
}
