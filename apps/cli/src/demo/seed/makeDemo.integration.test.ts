import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenDatabase, openDatabase } from "@trueclick/db/postgres/database";
import { accounts } from "@trueclick/db/postgres/schema/auth";
import { rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { sourceKeys } from "@trueclick/db/postgres/schema/keys";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import type { EventLog } from "@trueclick/event-log";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import { verifyPassword } from "better-auth/crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DATA_NAMES, type DataDir } from "../../stack/dataDir.ts";
import { endOffsets } from "../../stack/endOffsets.ts";
import { loadSecrets, type Secrets } from "../../start/secrets.ts";
import { loadDemoState } from "./demoState.ts";
import { type MakeDemoOptions, makeDemo } from "./makeDemo.ts";

const TOPIC = "clicks.raw";
/** The third of a month: the shortest past there is, and still some sixty days. */
const NOW_MS = Date.parse("2026-11-03T08:00:00Z");

let test: TestDatabase;
let database: OpenDatabase;
let log: EventLog;
let path: string;
let data: DataDir;
let secrets: Secrets;

beforeAll(async () => {
  test = await createMigratedDatabase();
  database = openDatabase(test.url, { connectionsMax: 4 });
  log = createPostgresEventLog({ connectionString: test.url });
  await log.admin().ensureTopic(TOPIC, { partitionCount: 2, retentionMs: null });
  path = await mkdtemp(join(tmpdir(), "trueclick-demo-"));
  data = { path, file: (name) => join(path, DATA_NAMES[name]) };
  secrets = await loadSecrets(data);
});
afterAll(async () => {
  await database.close();
  await test.drop();
  await rm(path, { recursive: true, force: true });
});

function make(changes: Partial<MakeDemoOptions> = {}) {
  return makeDemo({
    ...{ data, db: database.db, log, topic: TOPIC, secrets, ipHashKey: secrets.ipHashKey },
    history: true,
    signal: new AbortController().signal,
    onProgress: () => {},
    nowMs: NOW_MS,
    ...changes,
  });
}

async function wholeLog(): Promise<string[]> {
  const reader = await log.reader(TOPIC);
  const { signal } = new AbortController();
  const records: string[] = [];
  for (let partition = 0; partition < reader.partitionCount; partition += 1) {
    for (let fromOffset = 0n; ; ) {
      const request = { partition, fromOffset, recordsMax: 5_000, waitMs: 0, signal };
      const read = await reader.read(request);
      const last = read.at(-1);
      if (last === undefined) break;
      fromOffset = last.offset + 1n;
      for (const { appendTimeMs, value } of read) {
        records.push(`${partition} ${appendTimeMs} ${value.toString()}`);
      }
    }
  }
  await reader.close();
  return records;
}

// A start that is killed while it lays down the past must neither lose nor repeat any of it.
it("lays down the past once, however often it is cut short", async () => {
  for (let cut = 0; cut < 2; cut += 1) {
    const stop = new AbortController();
    const cutShort = make({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(cutShort).rejects.toThrow();
    expect(await loadDemoState(data)).toMatchObject({ organised: true, laidDown: false });
  }
  // Days later: the past that was begun is the one that is finished.
  const state = await make({ nowMs: NOW_MS + 3 * 86_400_000 });
  expect(state).toMatchObject({ laidDown: true, counted: false });

  const records = await wholeLog();
  expect(new Set(records).size).toBe(records.length);
  const times = records.map((record) => Number(record.split(" ")[1]));
  expect(times.reduce((a, b) => Math.max(a, b))).toBeLessThan(NOW_MS);

  const ends = await endOffsets(log, TOPIC);
  await make();
  expect(await endOffsets(log, TOPIC)).toEqual(ends);
}, 300_000);

it("opens the doors that the start block names, with new keys too", async () => {
  const keysBefore = await database.db.select().from(sourceKeys);
  const changed: Secrets = {
    ...secrets,
    demoSourceKey: "tcs_other",
    demoPasswords: { ...secrets.demoPasswords, engineer: "another password" },
  };
  await make({ secrets: changed });
  const keys = await database.db.select().from(sourceKeys);
  expect(keys).toHaveLength(keysBefore.length);
  expect(keys[0]?.keySha256).not.toBe(keysBefore[0]?.keySha256);
  const rows = await database.db.select().from(accounts);
  const engineer = rows.find(({ userId }) => userId === "demo-engineer");
  const hash = engineer?.password ?? "";
  expect(await verifyPassword({ hash, password: "another password" })).toBe(true);
});

it("changes a rate in the middle of a month, in the middle of a day", async () => {
  const rates = await database.db.select().from(rateCards);
  const changes = rates.filter(({ effectiveFrom }) => effectiveFrom.getUTCDate() === 16);
  expect(changes.length).toBeGreaterThan(2);
});
