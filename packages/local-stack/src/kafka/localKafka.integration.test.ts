import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { JavaProgramUnavailableError } from "../maven/mavenJars.ts";
import { kafkaAvailable } from "./kafkaJars.ts";
import { KafkaStartError, type LocalKafka, startLocalKafka } from "./localKafka.ts";

// With CI=true the run's global setup has already failed where there is no Kafka.
const availability = await kafkaAvailable();
const why = availability.ok ? "" : ` (skipped: ${availability.reason})`;

const quiet = () => undefined;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "trueclick-kafka-test-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function accepts(kafka: LocalKafka): Promise<boolean> {
  const [host = "", port] = kafka.brokers.split(":");
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe.skipIf(!availability.ok)(`local Kafka${why}`, () => {
  let kafka: LocalKafka;
  const lines: string[] = [];
  beforeAll(async () => {
    const log = (line: string) => lines.push(line);
    kafka = await startLocalKafka({ dir: join(root, "shared"), log });
  });
  afterAll(() => kafka.stop());

  it("comes back on the same port after being killed", async () => {
    const { brokers, pid } = kafka;
    await kafka.kill9();
    expect(isAlive(pid)).toBe(false);
    expect(await accepts(kafka)).toBe(false);

    await kafka.restart();
    expect(kafka.brokers).toBe(brokers);
    expect(await accepts(kafka)).toBe(true);
  });

  it("says so when its data folder is in use, and leaves the one running alone", async () => {
    const second = startLocalKafka({ dir: join(root, "shared"), log: quiet });
    await expect(second).rejects.toThrow(KafkaStartError);
    await expect(second).rejects.toThrow(/Another Kafka is running on the data/);
    expect(await accepts(kafka)).toBe(true);

    // The refused start had other ports; they must not leak into this one's restart.
    await kafka.restart();
    expect(await accepts(kafka)).toBe(true);
    expect(lines.filter((line) => /corrupt|invalid messages/i.test(line))).toEqual([]);
  });

  it("names a port that is taken", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const address = squatter.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    try {
      await expect(
        startLocalKafka({ dir: join(root, "squatted"), log: quiet, port }),
      ).rejects.toThrow(`Port ${port}, wanted for Kafka, is taken by another program`);
    } finally {
      squatter.close();
    }
  });

  // An orphan would hold the data folder's lock, and the next start would fail for no visible reason.
  it("ends with its parent, even when that is killed", async () => {
    const program = `
      const { startLocalKafka } = await import(${JSON.stringify(import.meta.resolve("./localKafka.ts"))});
      const kafka = await startLocalKafka({ dir: ${JSON.stringify(join(root, "orphan"))}, log: () => {} });
      process.stdout.write(kafka.pid + "\\n");
      setInterval(() => {}, 60_000);
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: parent.stdout }), "line");
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);

    parent.kill("SIGKILL");
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 120_000 });

    const next = await startLocalKafka({ dir: join(root, "orphan"), log: quiet });
    expect(await accepts(next)).toBe(true);
    await next.stop();
  });
});

it("tells a user without Java what to install", async () => {
  const tools = { java: "no-such-java", maven: "mvn" };
  const started = startLocalKafka({ dir: join(root, "none"), log: quiet, tools });
  await expect(started).rejects.toThrow(JavaProgramUnavailableError);
  await expect(started).rejects.toThrow(/Install a Java runtime, version 17 or later/);
  expect(await kafkaAvailable(tools)).toMatchObject({ ok: false });
});
