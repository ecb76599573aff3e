/**
 * The same job as Flink SQL, in a Java process of its own (`flink/WindowJob.java`, run from its
 * source). Its counts are read back before any round, and its rounds throw them away.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import {
  DEFAULT_TOOLS,
  ensureJars,
  type JavaProgram,
  JavaProgramUnavailableError,
} from "@trueclick/local-stack/maven";
import { z } from "zod";
import { onCore, SERVER_CORE } from "../harness/pinned.ts";
import type { Contestant } from "../harness/rounds.ts";
import { type Count, digestOf } from "./digest.ts";

const FLINK_DIR = join(import.meta.dirname, "flink");

const FLINK: JavaProgram = {
  name: "Flink SQL",
  pomPath: join(FLINK_DIR, "pom.xml"),
  cacheName: "trueclick-flink",
  megabytes: 135,
};

/** Of a job's events, those that are read before the clock starts. */
const WARM_SHARE = 0.4;

/** What Flink's own start scripts open to it on Java 17, of what this job touches. */
const OPENED = ["lang", "lang.reflect", "net", "io", "nio", "text", "time", "util"];

/** Room for all state, and for a young generation that most of the garbage dies in. */
const HEAP = ["-Xms3g", "-Xmx3g", "-Xmn1800m"];

const measured = z.object({
  before: z.number(),
  checkpoints: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
});

export interface FlinkPeer {
  readonly contestant: Contestant;
  /** Of what it counts; runs the whole job once. */
  digest(): Promise<string>;
  stop(): Promise<void>;
}

export interface FlinkPeerOptions {
  readonly brokers: string;
  readonly topic: string;
  /** That the topic holds. */
  readonly events: number;
  /** Empty; takes the checkpoints, and counts that are read back. */
  readonly dir: string;
}

/** @returns null where there is no Java, or no jars and no way to get them; `log` is told why. */
export async function startFlinkPeer(
  options: FlinkPeerOptions,
  log: (line: string) => void,
): Promise<FlinkPeer | null> {
  try {
    const jarsDir = await ensureJars(FLINK, DEFAULT_TOOLS, log);
    return await openPeer(jarsDir, options);
  } catch (error) {
    if (!(error instanceof JavaProgramUnavailableError)) throw error;
    log(`Flink SQL is left out: ${error.message}`);
    return null;
  }
}

async function openPeer(jarsDir: string, options: FlinkPeerOptions): Promise<FlinkPeer> {
  const { brokers, topic, events, dir } = options;
  await mkdir(join(dir, "checkpoints"), { recursive: true });
  const warmEvents = Math.floor(events * WARM_SHARE);
  const words = [brokers, topic, join(dir, "checkpoints"), String(warmEvents)];
  const [program = "", ...rest] = onCore(SERVER_CORE, [
    DEFAULT_TOOLS.java,
    ...HEAP,
    ...OPENED.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
    `-Dlog4j2.configurationFile=${join(FLINK_DIR, "log4j2.properties")}`,
    "-cp",
    join(jarsDir, "*"),
    join(FLINK_DIR, "WindowJob.java"),
    ...words,
  ]);
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const ask = conversation(child);
  await ask(null);
  const run = async () => {
    const round = measured.parse(JSON.parse(await ask("time")));
    const { before, checkpoints, seconds, cpuSeconds } = round;
    const counted = events - before;
    if (counted <= 0) throw new RangeError("Too few events for Flink to become warm");
    // Without any it would be a job that does less than ours, and be quicker for it.
    if (checkpoints === 0) throw new RangeError("Flink completed no checkpoint in a timed round");
    const byTime = { events_per_s: counted / seconds, events_per_cpu_s: counted / cpuSeconds };
    return { ...byTime, checkpoints, checkpoints_per_s: checkpoints / seconds };
  };
  const digest = async () => {
    const path = join(dir, "counts");
    await ask(`write ${path}`);
    return digestOf(countsOf(await readFile(path, "utf8")));
  };
  const stop = async () => {
    if (child.exitCode !== null) return;
    const exited = once(child, "exit");
    // It ends with its input.
    child.stdin.end();
    await exited;
  };
  return { contestant: { name: "Flink SQL", run }, digest, stop };
}

/** Sends a line and waits for the answer to it; null only waits, for the first one. */
function conversation(child: ChildProcessByStdio<Writable, Readable, null>) {
  const answers = createInterface({ input: child.stdout });
  return async (line: string | null): Promise<string> => {
    const gone = once(child, "exit").then(() => {
      // A runtime without a compiler cannot run a source either.
      throw new JavaProgramUnavailableError("its process ended; see above for its last words");
    });
    const answer = once(answers, "line");
    if (line !== null) child.stdin.write(`${line}\n`);
    const [text]: unknown[] = await Promise.race([answer, gone]);
    return z.string().parse(text);
  };
}

function* countsOf(text: string): Generator<[string, Count]> {
  for (const line of text.trimEnd().split("\n")) {
    const [key = "", ...figures] = line.split(" ");
    const [clicks = Number.NaN, impressions = Number.NaN, costMicros = Number.NaN] =
      figures.map(Number);
    yield [key, { clicks, impressions, costMicros }];
  }
}
