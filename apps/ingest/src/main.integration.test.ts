import { openDatabase } from "@trueclick/db/postgres/database";
import { migratePostgres } from "@trueclick/db/postgres/migrate";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import type { EventLog } from "@trueclick/event-log";
import { createKafkaEventLog } from "@trueclick/event-log/kafka";
import { partitionOf } from "@trueclick/event-log/partition";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import {
  createTestDatabase,
  kafkaBrokers,
  type TestDatabase,
} from "@trueclick/local-stack/testing";
import { storedEventSchema } from "@trueclick/shared/event/stored";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { eq, sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256Hex } from "./adapters/hashes.ts";
import { click } from "./testing/click.ts";
import { type EdgeProcess, startEdgeProcess } from "./testing/edgeProcess.ts";
import { type PackedEdge, packEdge } from "./testing/packedEdge.ts";
import { storedLines } from "./testing/storedRecords.ts";

const BROKERS = kafkaBrokers();
const KEY = "key-of-the-test";

let database: TestDatabase;
let log: EventLog;
let topic: string;
let settings: Record<string, string>;
let packed: PackedEdge;
const running: EdgeProcess[] = [];
beforeAll(async () => {
  packed = await packEdge();
});
afterAll(() => packed.remove());

beforeEach(() => useDatabase(createMigratedDatabase));

async function useDatabase(create: () => Promise<TestDatabase>): Promise<void> {
  database = await create();
  log = createPostgresEventLog({ connectionString: database.url });
  topic = `clicks.${databaseName()}`;
  settings = {
    DATABASE_URL: database.url,
    EVENTS_TOPIC: topic,
    IP_HASH_KEY: "00".repeat(16),
    REGION: "test-1",
  };
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((edge) => edge.end("SIGKILL")));
  await database.drop();
});

async function start(): Promise<EdgeProcess> {
  // What mends kafkajs needs it as it was installed.
  const edge = await startEdgeProcess(settings, "KAFKA_BROKERS" in settings ? null : packed);
  running.push(edge);
  return edge;
}

const databaseName = () => new URL(database.url).pathname.slice(1);

async function withDatabase<Result>(
  work: (db: ReturnType<typeof openDatabase>["db"]) => Promise<Result>,
  name = databaseName(),
): Promise<Result> {
  const url = new URL(database.url);
  url.pathname = `/${name}`;
  const { db, close } = openDatabase(url.href, { connectionsMax: 1 });
  try {
    return await work(db);
  } finally {
    await close();
  }
}

async function setUpKeys(): Promise<void> {
  await migratePostgres(database.url);
  const sourceId = sourceIdSchema.parse("src_test");
  await withDatabase(async (db) => {
    await db.insert(sources).values({ id: sourceId, name: "Test", speaksForUsers: true });
    const past = new Date(Date.now() - 1);
    await db.insert(sourceKeys).values([
      { id: "k1", sourceId, keySha256: sha256Hex(KEY) },
      { id: "k2", sourceId, keySha256: sha256Hex("revoked"), revokedAt: past },
      { id: "k3", sourceId, keySha256: sha256Hex("expired"), expiresAt: past },
    ]);
  });
}

async function readiness(edge: EdgeProcess): Promise<number> {
  const response = await fetch(`${edge.url}/readyz`);
  await response.body?.cancel();
  return response.status;
}

async function startReady(): Promise<EdgeProcess> {
  const edge = await start();
  await expect.poll(() => readiness(edge), WAIT).toBe(200);
  return edge;
}

const WAIT = { timeout: 120_000, interval: 50 };

function post(edge: EdgeProcess, body: unknown, key = KEY): Promise<Response> {
  return fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

describe("the edge on a real log", () => {
  it("stores an accepted event byte for byte, with every stamp, in its partition", async () => {
    await setUpKeys();
    const edge = await startReady();
    const eventTimeMs = Date.now();
    const sent = click(eventTimeMs, {
      geo: "nl",
      device: "fridge",
      ip: "198.51.100.7",
      user_agent: "Mozilla/5.0 Firefox/127.0",
      user_id: "ユーザー \u202e‮",
      hue: { deep: [1, "ö", null] },
    });
    const response = await post(edge, sent);
    expect([response.status, await response.json()]).toEqual([202, { accepted: 1, rejected: [] }]);

    const [stored, ...more] = await storedLines(log, topic);
    expect(more).toEqual([]);
    const event = storedEventSchema.parse(JSON.parse(stored?.line ?? ""));
    expect(stored?.partition).toBe(partitionOf("evt_00000001", 4));
    expect(stored?.line).toBe(
      JSON.stringify({
        schema_version: 1,
        event_type: "click",
        event_id: "evt_00000001",
        event_time: eventTimeMs,
        campaign_id: "cmp_1",
        ad_id: "ad_1",
        publisher_id: "pub_1",
        user_id: "ユーザー \u202e‮",
        geo: "NL",
        device: "other",
        user_agent: "Mozilla/5.0 Firefox/127.0",
        ip_hash: event.ip_hash,
        ip_net: "198.51.100.0/24",
        ingest_time: event.ingest_time,
        region: "test-1",
        source_id: "src_test",
        flags: ["token_absent"],
        ext: { device: "fridge", hue: { deep: [1, "ö", null] } },
      }),
    );
    expect(event.ip_hash).toMatch(/^[0-9a-f]{8}\.[0-9a-f]{64}$/);
    expect(Math.abs(event.ingest_time - eventTimeMs)).toBeLessThan(50_000);
  });

  it("keeps what it rejects in the quarantine, with its bytes", async () => {
    await setUpKeys();
    const edge = await startReady();
    const bad = { event_type: "click", event_id: "x" };
    expect((await post(edge, [click(Date.now()), bad])).status).toBe(202);
    expect((await post(edge, bad)).status).toBe(422);
    const items = (await storedLines(log, "clicks.quarantine")).map(({ line }) => JSON.parse(line));
    expect(items).toHaveLength(2);
    for (const item of items) {
      expect(item).toMatchObject({ source_id: "src_test", code: "missing_field" });
      expect(JSON.parse(Buffer.from(item.bytes_base64, "base64").toString())).toEqual(bad);
    }
  });

  it("refuses unknown, revoked and expired keys, and a key soon after it is revoked", async () => {
    await setUpKeys();
    const edge = await startReady();
    for (const key of ["unknown", "revoked", "expired"]) {
      expect((await post(edge, click(Date.now()), key)).status, key).toBe(401);
    }
    expect((await post(edge, click(Date.now()))).status).toBe(202);
    await withDatabase((db) =>
      db.update(sourceKeys).set({ revokedAt: new Date() }).where(eq(sourceKeys.id, "k1")),
    );
    await expect.poll(async () => (await post(edge, {})).status, WAIT).toBe(401);
  });

  // The order in which a stack comes up is nobody's promise.
  it("starts before its database is set up, refuses, and recovers by itself", async () => {
    await database.drop();
    await useDatabase(createTestDatabase);
    const edge = await start();
    const early = await post(edge, click(Date.now()));
    expect([early.status, early.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await readiness(edge)).toBe(503);
    await setUpKeys();
    await expect.poll(() => readiness(edge), WAIT).toBe(200);
    await expect.poll(async () => (await post(edge, click(Date.now()))).status, WAIT).toBe(202);
  });

  it("answers 503 while the log is down, and appends again once it is back", async () => {
    await setUpKeys();
    const name = databaseName();
    const identifier = sql.identifier(name);
    const edge = await startReady();
    expect((await post(edge, click(Date.now()))).status).toBe(202);
    // From another database: one cannot be closed from within.
    await withDatabase(async (db) => {
      await db.execute(sql`alter database ${identifier} allow_connections false`);
      await db.execute(
        sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`,
      );
      const refused = await post(edge, click(Date.now(), { event_id: "evt_00000002" }));
      expect([refused.status, await refused.json()]).toMatchObject([
        503,
        { error: { code: "log_unavailable" } },
      ]);
      await expect.poll(() => readiness(edge), WAIT).toBe(503);
      await db.execute(sql`alter database ${identifier} allow_connections true`);
    }, "postgres");
    const again = () => post(edge, click(Date.now(), { event_id: "evt_00000003" }));
    await expect.poll(async () => (await again()).status, WAIT).toBe(202);
    const ids = (await storedLines(log, topic)).map(({ line }) => JSON.parse(line).event_id);
    expect(new Set(ids)).toEqual(new Set(["evt_00000001", "evt_00000003"]));
  });
});

interface Load {
  /** Ids of events that were answered with 202. */
  readonly acked: Set<string>;
  readonly done: Promise<unknown>;
}

/** Senders that post batches one after another until the edge is gone. */
function sendUntilGone(edge: EdgeProcess, senders: number): Load {
  const acked = new Set<string>();
  const send = async (sender: number) => {
    for (let batch = 0; ; batch += 1) {
      const ids = Array.from({ length: 20 }, (_, n) => `evt_${sender}_${batch}_${n}`);
      const events = ids.map((event_id) => click(Date.now(), { event_id }));
      const response = await post(edge, events);
      if (response.status !== 202) throw new Error(`answered ${response.status}`);
      for (const id of ids) acked.add(id);
    }
  };
  const done = Promise.allSettled(Array.from({ length: senders }, (_, sender) => send(sender)));
  return { acked, done };
}

async function storedIds(): Promise<Set<string>> {
  const lines = await storedLines(log, topic);
  return new Set(lines.map(({ line }) => storedEventSchema.parse(JSON.parse(line)).event_id));
}

describe("I1: no acked event is lost", () => {
  it.each([300, 1_500, 4_000])("when the edge is killed under load after %i acks", async (acks) => {
    await setUpKeys();
    const edge = await startReady();
    const { acked, done } = sendUntilGone(edge, 8);
    await expect.poll(() => acked.size, { ...WAIT, interval: 1 }).toBeGreaterThan(acks);
    await edge.end("SIGKILL");
    await done;
    const stored = await storedIds();
    expect([...acked].filter((id) => !stored.has(id))).toEqual([]);
  });

  it.runIf(BROKERS !== null)(
    "when the edge is killed under load with Kafka for a log",
    async () => {
      const brokers = BROKERS ?? "";
      settings = { ...settings, KAFKA_BROKERS: brokers, QUARANTINE_TOPIC: `${topic}.quarantine` };
      log = createKafkaEventLog({ brokers: [brokers], clientId: "test" });
      await setUpKeys();
      const edge = await startReady();
      const { acked, done } = sendUntilGone(edge, 8);
      await expect.poll(() => acked.size, { ...WAIT, interval: 1 }).toBeGreaterThan(1_000);
      await edge.end("SIGKILL");
      await done;
      const stored = await storedIds();
      expect([...acked].filter((id) => !stored.has(id))).toEqual([]);
    },
  );

  it("when the edge is told to stop under load, which ends by itself and cleanly", async () => {
    await setUpKeys();
    const edge = await startReady();
    const { acked, done } = sendUntilGone(edge, 8);
    await expect.poll(() => acked.size, { ...WAIT, interval: 1 }).toBeGreaterThan(500);
    expect(await edge.end("SIGTERM")).toBe(0);
    await done;
    const stored = await storedIds();
    expect([...acked].filter((id) => !stored.has(id))).toEqual([]);
    // Two lines of one moment may be written in either order.
    expect(edge.lines.join("\n")).toContain('"stopped"');
  });
});
