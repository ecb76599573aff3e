import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { holdPartitions } from "../pipeline/holdPartitions.ts";
import { testLeases } from "../testing/testLeases.ts";
import { createPostgresLeaseStore } from "./postgresLeaseStore.ts";

const PATIENCE = { timeout: 120_000, interval: 20 };

let database: Awaited<ReturnType<typeof createMigratedDatabase>>;
let opened: ReturnType<typeof openDatabase>;
let db: Database;
beforeAll(async () => {
  database = await createMigratedDatabase();
  opened = openDatabase(database.url, { connectionsMax: 4 });
  db = opened.db;
});
afterAll(async () => {
  await opened.close();
  await database.drop();
});

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** A process that works on its share of a topic, until told to stop. */
function workOn(log: { readonly topic: string; readonly partitionCount: number }) {
  const working = new Set<number>();
  const stopping = new AbortController();
  const signals = { stopping: stopping.signal, deadline: new AbortController().signal };
  const ended = holdPartitions(
    testLeases(db, { name: "stream", log }),
    async (partition, own) => {
      working.add(partition);
      await until(own.stopping);
      working.delete(partition);
      return "ended";
    },
    signals,
  );
  const stop = () => {
    stopping.abort();
    return ended;
  };
  return { working, stop };
}

// Each is told of new partitions at a time of its own; what is there already stays where it is.
it("shares out the partitions that a topic is given, once each", async () => {
  const logs = [1, 2].map(() => ({ topic: "growing", partitionCount: 2 }));
  const members = logs.map(workOn);
  const sharesAre = (shares: number[]) =>
    vi.waitFor(() => expect(members.map(({ working }) => working.size)).toEqual(shares), PATIENCE);
  const all = () => members.flatMap(({ working }) => [...working]).sort();
  try {
    await sharesAre([1, 1]);
    const before = members.map(({ working }) => [...working]);
    const [first, second] = logs;
    if (first !== undefined) first.partitionCount = 6;
    await sharesAre([3, 1]);
    if (second !== undefined) second.partitionCount = 6;
    await sharesAre([3, 3]);
    expect(all()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const [at, held] of before.entries()) {
      expect([...(members[at]?.working ?? [])]).toEqual(expect.arrayContaining(held));
    }
  } finally {
    await Promise.all(members.map(({ stop }) => stop()));
  }
});

// It could not read them: its reader of the log would refuse.
it("lets nobody claim a partition that it does not know of", async () => {
  const identity = { group: "stream:claims", instance: null, leaseMs: 60_000 };
  const knowing = createPostgresLeaseStore(db, { ...identity, member: "knowing" });
  const unknowing = createPostgresLeaseStore(db, { ...identity, member: "unknowing" });
  await unknowing.join(2);
  await knowing.join(4);
  expect(await unknowing.claim(4, 2)).toEqual([0, 1]);
  expect(await unknowing.claim(2, 2)).toEqual([]);
  expect(await knowing.claim(4, 4)).toEqual([2, 3]);
});
