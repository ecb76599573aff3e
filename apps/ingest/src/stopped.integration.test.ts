/** A stop by signal, under load and with a client that holds it up: nothing acked is lost by it. */
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createEdgeWorld,
  type EdgeWorld,
  readiness,
  SOURCE_KEY,
} from "./testing/edgeOnPostgres.ts";
import type { EdgeProcess } from "./testing/edgeProcess.ts";
import { faultPlan, randomOf } from "./testing/faultPlan.ts";
import { Load } from "./testing/load.ts";
import { storedEventIds } from "./testing/storedRecords.ts";

const WAIT = { timeout: 120_000, interval: 20 };
/** Longer than the time in which two interrupts are one. */
const LATER_MS = 700;

let world: EdgeWorld;
let edge: EdgeProcess;
let load: Load;
beforeEach(async () => {
  world = await createEdgeWorld();
  edge = await world.start({ SPOOL_DIR: join(world.folder, "spool"), LOG_LEVEL: "info" });
  const isWell = { status: 200, body: { checks: { log: "ok" } } };
  await expect.poll(() => readiness(edge), WAIT).toMatchObject(isWell);
  const random = randomOf(faultPlan.seed);
  load = new Load(edge.url, { name: "stop", senders: 6, random, batchEventsMax: 10 });
  await expect.poll(() => load.acked.size, WAIT).toBeGreaterThan(200);
});
afterEach(async () => {
  await load.stop();
  await world.end();
});

/** A client in the middle of its request, which a stop waits for. */
async function holdUp(): Promise<() => void> {
  const socket = connect(Number(new URL(edge.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  const headers = `Authorization: Bearer ${SOURCE_KEY}\r\nContent-Length: 1000\r\nExpect: 100-continue`;
  socket.write(`POST /v1/events HTTP/1.1\r\nHost: edge\r\n${headers}\r\n\r\n`);
  // It must have been read before the signal: only then does the stop wait for it.
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 100 /);
  socket.write("[");
  return () => socket.destroy();
}

async function expectNothingLost(): Promise<void> {
  await load.stop();
  const stored = await storedEventIds(world.log, "clicks.raw");
  expect([...load.acked].filter((id) => !stored.has(id))).toEqual([]);
}

describe("a stop under load", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("by %s finishes what is under way", async (signal) => {
    expect(await edge.end(signal)).toBe(0);
    expect(edge.lines.join("\n")).toContain('"stopped"');
    await expectNothingLost();
    expect([...load.statuses()]).toEqual([202]);
  });

  it("takes one Ctrl-C for one, however many processes hand it on", async () => {
    edge.child.kill("SIGINT");
    edge.child.kill("SIGINT");
    edge.child.kill("SIGTERM");
    expect(await edge.ended).toBe(0);
    expect(edge.lines.join("\n")).toContain('"stopped"');
    await expectNothingLost();
  });

  it("ends at once when Ctrl-C comes again, and loses nothing", async () => {
    const letGo = await holdUp();
    edge.child.kill("SIGINT");
    await wait(LATER_MS);
    expect(edge.child.exitCode).toBe(null);
    edge.child.kill("SIGINT");
    expect(await edge.ended).toBe(130);
    letGo();
    await expectNothingLost();
  });

  it("goes on to its end when it is asked again politely", async () => {
    const letGo = await holdUp();
    edge.child.kill("SIGTERM");
    await wait(LATER_MS);
    edge.child.kill("SIGTERM");
    await wait(200);
    expect(edge.child.exitCode).toBe(null);
    letGo();
    expect(await edge.ended).toBe(0);
    await expectNothingLost();
  });
});
