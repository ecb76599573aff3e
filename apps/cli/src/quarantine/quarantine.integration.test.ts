import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type OpenDatabase, openDatabase } from "@trueclick/db/postgres/database";
import { sourceKeys } from "@trueclick/db/postgres/schema/keys";
import { quarantineItems, quarantineOverflow } from "@trueclick/db/postgres/schema/quarantine";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { sha256Hex } from "../keys/hash.ts";
import { runCli } from "../program.ts";

const NOON_MS = Date.UTC(2026, 5, 1, 12);
const sentSchema = z.object({
  source_id: z.string(),
  bytes_base64: z.base64(),
  dry_run: z.boolean(),
});

let test: TestDatabase;
let database: OpenDatabase;
let server: Server;
/** What the edge was asked, with the scopes of the key it was asked by. */
let asked: { text: string; isDryRun: boolean; scopes: string[] | undefined }[];
/** Status and body of its answers, in turn; then it takes everything. */
let answers: [number, object][];

beforeEach(async () => {
  test = await createMigratedDatabase();
  database = openDatabase(test.url, { connectionsMax: 2 });
  [asked, answers] = [[], []];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = await request.toArray();
    const sent = sentSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
    const key = (request.headers.authorization ?? "").replace("Bearer ", "");
    const keys = await database.db.select().from(sourceKeys);
    const scopes = keys.find(({ keySha256 }) => keySha256 === sha256Hex(key))?.scopes;
    const text = Buffer.from(sent.bytes_base64, "base64").toString();
    asked.push({ text, isDryRun: sent.dry_run, scopes });
    const [status, body] = answers.shift() ?? [200, { accepted: 1, rejected: [] }];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await database.close();
  await test.drop();
});

async function run(...args: string[]) {
  let out = "";
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const sink = { write: () => true, isTTY: false, columns: 80 };
  const code = await runCli(["quarantine", ...args, "--json"], {
    env: {
      DATABASE_URL: test.url,
      CLICKHOUSE_URL: "http://127.0.0.1:1/none",
      INGEST_URL: `http://127.0.0.1:${port}`,
    },
    root: "/nowhere",
    stdin: { async *[Symbol.asyncIterator]() {} },
    stdout: {
      write: (text: string) => {
        out += text;
      },
    },
    stderr: sink,
    stop: new AbortController().signal,
    force: new AbortController().signal,
  });
  return { code, json: JSON.parse(out) };
}

async function keep(offset: number, text: string, change: object = {}): Promise<void> {
  const sourceId = sourceIdSchema.parse("src_1");
  await database.db.insert(quarantineItems).values({
    ...{ topic: "clicks.quarantine", partition: 0, offset: BigInt(offset), sourceId },
    ...{ receivedAt: new Date(NOON_MS + offset * 1_000), code: "bad_json", message: "Not JSON." },
    ...{ bytes: Buffer.from(text), bytesReceived: text.length, isPrefetch: false },
    ...change,
  });
}

const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id);

describe("quarantine list", () => {
  it("shows the newest first, with their bytes, and what was not kept", async () => {
    await keep(1, "\u0000{");
    await keep(2, "two", { sourceId: "src_2", code: "too_old" });
    const topic = "clicks.quarantine";
    await database.db.insert(quarantineOverflow).values({
      ...{ topic, partition: 0, offset: 3n, receivedAt: new Date(NOON_MS) },
      ...{ sourceId: sourceIdSchema.parse("src_1"), code: "bad_json", items: 41 },
    });
    const { code, json } = await run("list");
    expect(code).toBe(0);
    expect(idsOf(json.rows)).toEqual(["0:2", "0:1"]);
    expect(Buffer.from(json.rows[1].bytes_base64, "base64").toString()).toBe("\u0000{");
    expect(json.overflow).toEqual([{ source_id: "src_1", code: "bad_json", items: 41 }]);
  });

  it("lists by source, reason, time and number", async () => {
    for (const offset of [1, 2, 3]) await keep(offset, "x");
    await keep(4, "x", { sourceId: "src_2", code: "too_old" });
    const listed = async (...args: string[]) => idsOf((await run("list", ...args)).json.rows);
    expect(await listed("--source", "src_2")).toEqual(["0:4"]);
    expect(await listed("--code", "bad_json")).toEqual(["0:3", "0:2", "0:1"]);
    expect(await listed("--limit", "2")).toEqual(["0:4", "0:3"]);
    const from = new Date(NOON_MS + 2_000).toISOString();
    const to = new Date(NOON_MS + 4_000).toISOString();
    expect(await listed("--from", from, "--to", to)).toEqual(["0:3", "0:2"]);
    expect((await run("list", "--from", "yesterday")).code).toBe(2);
  });
});

describe("quarantine replay", () => {
  it("hands over what is pending, oldest first, by a key for that alone, which is gone after", async () => {
    await keep(1, "one");
    await keep(2, "two");
    const { code, json } = await run("replay");
    expect([code, json.accepted]).toEqual([0, 2]);
    expect(asked).toEqual([
      { text: "one", isDryRun: false, scopes: ["replay"] },
      { text: "two", isDryRun: false, scopes: ["replay"] },
    ]);
    expect(await database.db.select().from(sourceKeys)).toEqual([]);
  });

  it("hands nothing over twice, not even when told to by id", async () => {
    await keep(1, "one");
    await run("replay");
    expect((await run("replay")).json.items).toEqual([]);
    expect((await run("replay", "--id", "0:1")).json.items[0].state).toBe("taken_before");
    expect(asked).toHaveLength(1);
    const [row] = await database.db.select().from(quarantineItems);
    expect(row?.replayOutcome).toEqual({ accepted: 1, rejected: [] });
  });

  it("notes why an item was refused again, ends with 1, and tries it again by id", async () => {
    await keep(1, "one");
    answers.push([
      200,
      { accepted: 0, rejected: [{ index: 0, code: "bad_json", message: "No." }] },
    ]);
    const refused = await run("replay");
    expect([refused.code, refused.json.items[0].state]).toEqual([1, "refused"]);
    expect((await run("replay")).json.items).toEqual([]);
    expect((await run("replay", "--id", "0:1")).json.items[0].state).toBe("taken");
  });

  it("changes nothing in a dry run", async () => {
    await keep(1, "one");
    expect((await run("replay", "--dry-run")).json).toMatchObject({ dry_run: true, accepted: 1 });
    expect(asked).toMatchObject([{ isDryRun: true }]);
    expect((await run("replay")).json.accepted).toBe(1);
  });

  it("waits for an edge that is away, and goes on", async () => {
    await keep(1, "one");
    const away: [number, object] = [503, { error: { code: "log_unavailable", message: "later" } }];
    answers.push(away, away);
    expect((await run("replay")).json.accepted).toBe(1);
    expect(asked).toHaveLength(3);
  });

  it("leaves an item pending when nobody knows what came of it", async () => {
    await keep(1, "one");
    answers.push([500, { error: { code: "fault", message: "?" } }]);
    expect((await run("replay")).code).toBe(1);
    const [row] = await database.db.select().from(quarantineItems);
    expect(row?.replayedAt).toBeNull();
    expect(await database.db.select().from(sourceKeys)).toEqual([]);
  });

  it("says which id is none, and which is not there", async () => {
    expect((await run("replay", "--id", "x")).code).toBe(2);
    expect((await run("replay", "--id", "0:99")).json.error.code).toBe("not_found");
  });
});
