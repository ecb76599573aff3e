import { type OpenDatabase, openDatabase } from "@trueclick/db/postgres/database";
import {
  quarantineCheckpoints,
  quarantineItems,
  quarantineOverflow,
} from "@trueclick/db/postgres/schema/quarantine";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import type { EventLog, EventLogReader } from "@trueclick/event-log";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import type { QuarantineRecord } from "@trueclick/shared/event/quarantined";
import { asc, eq, sql } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createPostgresQuarantineStore } from "./adapters/postgresQuarantineStore.ts";
import { type QuarantineRun, runQuarantine } from "./pipeline/runQuarantine.ts";
import type { QuarantineStore } from "./ports/quarantineStore.ts";

const TOPIC = "clicks.quarantine";
const NOW_MS = Date.UTC(2026, 5, 1, 12);
const DAY_MS = 86_400_000;
const PATIENCE = { timeout: 120_000, interval: 20 };

let test: TestDatabase;
let database: OpenDatabase;
let log: EventLog;
let reader: EventLogReader;
let store: QuarantineStore;
let unreadable: bigint[];

beforeEach(async () => {
  test = await createMigratedDatabase();
  database = openDatabase(test.url, { connectionsMax: 3 });
  log = createPostgresEventLog({ connectionString: test.url });
  const admin = log.admin();
  await admin.ensureTopic(TOPIC, { partitionCount: 1, retentionMs: null });
  await admin.close();
  reader = await log.reader(TOPIC);
  store = createPostgresQuarantineStore(database.db, TOPIC);
  unreadable = [];
});
afterEach(async () => {
  await reader.close();
  await database.close();
  await test.drop();
});

const item = (text: string, change: object = {}): QuarantineRecord => ({
  ...{ received_at: NOW_MS, source_id: "src_1", code: "bad_json", message: "Not JSON." },
  ...{ bytes_base64: Buffer.from(text).toString("base64"), bytes_received: text.length },
  ...change,
});

async function append(...records: readonly (QuarantineRecord | string)[]): Promise<void> {
  const appender = await log.appender(TOPIC);
  for (const record of records) {
    const text = typeof record === "string" ? record : JSON.stringify(record);
    await appender.append([{ partition: 0, value: Buffer.from(text) }]);
  }
  await appender.close();
}

/** Runs until the store is where the topic ends, and all that the test waits for has happened. */
async function catchUp(
  change: Partial<QuarantineRun> = {},
  hasHappened: () => boolean = () => true,
): Promise<void> {
  const stop = new AbortController();
  const run: QuarantineRun = {
    ...{ reader, store, retentionMs: 35 * DAY_MS, nowMs: () => NOW_MS },
    onFault: () => {},
    onUnreadable: ({ offset }) => void unreadable.push(offset),
    ...change,
  };
  const running = runQuarantine(run, stop.signal);
  const { endOffset } = await reader.offsets(0);
  await vi.waitFor(async () => {
    expect(await store.nextOffset(0)).toBe(endOffset);
    expect(hasHappened()).toBe(true);
  }, PATIENCE);
  stop.abort();
  await running;
}

const items = () => database.db.select().from(quarantineItems).orderBy(asc(quarantineItems.offset));

describe("the quarantine's store", () => {
  it("holds what the topic holds, byte for byte, and how much was not kept", async () => {
    const bytes = Buffer.from([0, 255, 10, 34]);
    await append(
      item("", { bytes_base64: bytes.toString("base64"), bytes_received: 9, user_agent: "curl" }),
      { ...{ received_at: NOW_MS, source_id: "src_2", code: "too_old" }, overflow: 7 },
      item("{", { is_prefetch: true }),
    );
    await catchUp();
    expect(await items()).toMatchObject([
      { sourceId: "src_1", code: "bad_json", bytes, bytesReceived: 9, userAgent: "curl" },
      { bytes: Buffer.from("{"), isPrefetch: true, userAgent: null, replayedAt: null },
    ]);
    expect(await database.db.select().from(quarantineOverflow)).toMatchObject([
      { sourceId: "src_2", code: "too_old", items: 7, receivedAt: new Date(NOW_MS) },
    ]);
  });

  // I2: what was refused is a part of what was received, for as long as that is counted.
  it("counts what was refused once, whoever reads it again, and when it is forgotten", async () => {
    const refused = async () => {
      const [row] = await database.db.select().from(quarantineCheckpoints);
      return row?.refusedTotal;
    };
    const overflow = { received_at: NOW_MS, source_id: "src_2", code: "too_old", overflow: 7 };
    await append(item("a"), "none of ours", overflow, item("b"));
    await catchUp();
    expect(await refused()).toBe(9n);
    // Another reader, which was behind and has read one more.
    const [first] = await items();
    if (first === undefined) throw new Error("nothing was kept");
    const row = { kind: "item" as const, ...first, receivedAtMs: NOW_MS, bytesBase64: "YQ==" };
    await store.store(0, [row], 1n);
    expect(await refused()).toBe(9n);
    await store.store(0, [row, { ...row, offset: 4n }], 5n);
    expect(await refused()).toBe(10n);
    await store.expire(NOW_MS + 1, 100);
    expect(await refused()).toBe(10n);
  });

  it("passes by what is none of ours, and says where it lies", async () => {
    await append("no JSON", item("a"), '{"received_at":1}', item("b", { code: "unheard_of" }));
    await append(item("c"));
    await catchUp();
    expect((await items()).map(({ bytes }) => bytes.toString())).toEqual(["a", "c"]);
    expect(unreadable).toHaveLength(3);
  });

  // I4: a process that dies between any two steps reads the stretch again.
  it("is left as it is when the topic is read again, outcomes of replays included", async () => {
    await append(item("a"), item("b"));
    await catchUp();
    const [first] = await items();
    const outcome = { replayedAt: new Date(NOW_MS), replayOutcome: { accepted: 1, rejected: [] } };
    await database.db
      .update(quarantineItems)
      .set(outcome)
      .where(eq(quarantineItems.offset, first?.offset ?? -1n));
    const before = await items();
    await database.db.delete(quarantineCheckpoints);
    let stored = 0;
    const failing: QuarantineStore = {
      ...store,
      store: async (...args) => {
        stored += 1;
        await store.store(...args);
        await database.db.delete(quarantineCheckpoints).where(sql`${stored === 1}`);
        // The answer is lost, once, and so is where it had come to.
        if (stored === 1) throw new Error("connection lost");
      },
    };
    // Between storing and forgetting where it had come to, the store is where the topic ends, too.
    await catchUp({ store: failing }, () => stored > 1);
    expect(await items()).toEqual(before);
  });

  it("forgets what is older than it is to keep", async () => {
    await append(item("old", { received_at: NOW_MS - 36 * DAY_MS }), item("young"));
    await append({
      ...{ received_at: NOW_MS - 36 * DAY_MS, source_id: "src_1", code: "too_old" },
      overflow: 1,
    });
    await catchUp();
    expect(await store.expire(NOW_MS - 35 * DAY_MS, 10)).toBeLessThanOrEqual(2);
    expect((await items()).map(({ bytes }) => bytes.toString())).toEqual(["young"]);
    expect(await database.db.select().from(quarantineOverflow)).toEqual([]);
  });
});
