import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PortBusyError } from "../process/ports.ts";
import { startEmbeddedPostgres } from "./embeddedPostgres.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trueclick-postgres-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const start = (port = 0) =>
  startEmbeddedPostgres({ dataDir: join(dir, "data"), port, password: "p@ss:w/rd", log: () => {} });

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  // The server is killed under it below.
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

it("keeps what it confirmed across a kill -9", async () => {
  const first = await start();
  await ask(first.url, "create table kept (id int); insert into kept values (1), (2)");
  process.kill(first.pid, "SIGKILL");
  await first.exited;

  const second = await start();
  expect(await ask(second.url, "select count(*)::int as n from kept")).toEqual([{ n: 2 }]);
  await second.stop();
});

// After a reboot or a kill the lock file names a process that is gone, or by now somebody else's.
it("starts over a stale lock, and harms no stranger whose process number it names", async () => {
  const first = await start();
  await first.stop();
  await writeFile(join(dir, "data", "postmaster.pid"), `${process.pid}\n${join(dir, "data")}\n`);
  const second = await start();
  expect(await ask(second.url, "select 1 as x")).toEqual([{ x: 1 }]);
  await second.stop();
});

it("takes the folder over from a server that was left running", async () => {
  const left = await start();
  const second = await start();
  await left.exited;
  expect(await ask(second.url, "select 1 as x")).toEqual([{ x: 1 }]);
  await second.stop();
});

it("says which port is taken", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => blocker.once("listening", resolve));
  const address = blocker.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await expect(start(port)).rejects.toThrow(PortBusyError);
  blocker.close();
});
