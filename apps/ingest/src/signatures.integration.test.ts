import { openDatabase } from "@trueclick/db/postgres/database";
import { edgeNonces, sourceKeys } from "@trueclick/db/postgres/schema/keys";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Hex } from "./adapters/hashes.ts";
import { createPostgresAnsweredNonces } from "./adapters/postgresAnsweredNonces.ts";
import { click } from "./testing/click.ts";
import { createEdgeWorld, type EdgeWorld, readiness } from "./testing/edgeOnPostgres.ts";
import type { EdgeProcess } from "./testing/edgeProcess.ts";
import { signedHeaders } from "./testing/signedHeaders.ts";

const WAIT = { timeout: 120_000, interval: 50 };
const KEY = { keyId: "key_signs", secret: "secret-of-signatures" };
/** What a source bears, it may sign with. */
const BORNE = "tcs_key-of-a-source";
const BORNE_KEY = { keyId: BORNE, secret: BORNE };

let world: EdgeWorld;
let database: ReturnType<typeof openDatabase>;
beforeEach(async () => {
  world = await createEdgeWorld();
  database = openDatabase(world.database.url, { connectionsMax: 1 });
  const sourceId = sourceIdSchema.parse("src_test");
  const key = { id: KEY.keyId, sourceId, keySha256: "no bearer's", signingSecret: KEY.secret };
  const borne = { id: "key_borne", sourceId, keySha256: sha256Hex(BORNE) };
  await database.db.insert(sourceKeys).values([key, borne]);
});
afterEach(async () => {
  await database.close();
  await world.end();
});

async function startReady(): Promise<EdgeProcess> {
  const edge = await world.start();
  await expect.poll(async () => (await readiness(edge)).status, WAIT).toBe(200);
  return edge;
}

async function send(edge: EdgeProcess, body: string, nonce: string, key = KEY) {
  const signed = { ...key, nonce, timestampS: Math.floor(Date.now() / 1_000) };
  const headers = { "content-type": "application/json", ...signedHeaders(body, signed) };
  const response = await fetch(`${edge.url}/v1/events`, { method: "POST", headers, body });
  return [response.status, await response.json()];
}

describe("signed requests on Postgres", () => {
  it("are appended once, though the repeat comes to another edge after a kill", async () => {
    const body = JSON.stringify(click(Date.now()));
    const first = await startReady();
    const answer = await send(first, body, "nonce-0001");
    expect(answer).toEqual([202, { accepted: 1, rejected: [] }]);
    await first.end("SIGKILL");
    const second = await startReady();
    expect(await send(second, body, "nonce-0001")).toEqual(answer);
    expect(await world.storedEvents()).toHaveLength(1);
    expect(await send(second, body, "nonce-0002")).toEqual(answer);
    expect(await world.storedEvents()).toHaveLength(2);
  });

  it("are appended once also when signed by the key that bears, which is kept nowhere", async () => {
    const body = JSON.stringify(click(Date.now()));
    const edge = await startReady();
    const answer = await send(edge, body, "nonce-0001", BORNE_KEY);
    expect(answer).toEqual([202, { accepted: 1, rejected: [] }]);
    expect(await send(edge, body, "nonce-0001", BORNE_KEY)).toEqual(answer);
    expect(await world.storedEvents()).toHaveLength(1);
    const kept = await database.db.select().from(edgeNonces);
    expect(kept).toMatchObject([{ keyId: "key_borne", nonce: "nonce-0001" }]);
    expect(JSON.stringify(kept)).not.toContain(BORNE);
  });

  it("are forgotten once their signatures are too old, so that the table stays small", async () => {
    let nowMs = 1_000_000;
    const faults: unknown[] = [];
    const nonces = createPostgresAnsweredNonces(
      database.db,
      () => nowMs,
      (error) => faults.push(error),
    );
    const answer = { bodySha256: "0".repeat(64), status: 202, body: "{}" };
    for (const nonce of ["nonce-0001", "nonce-0001", "nonce-0002"]) {
      await nonces.remember({ keyId: KEY.keyId, nonce }, answer, nowMs + 1_000);
    }
    expect(await nonces.find({ keyId: KEY.keyId, nonce: "nonce-0001" })).toEqual(answer);
    expect(await nonces.find({ keyId: "another", nonce: "nonce-0001" })).toBeNull();
    nowMs += 3_600_000;
    await nonces.remember({ keyId: KEY.keyId, nonce: "nonce-0003" }, answer, nowMs + 1_000);
    const kept = await database.db.select().from(edgeNonces);
    expect(kept.map(({ nonce }) => nonce)).toEqual(["nonce-0003"]);
    expect(faults).toEqual([]);
  });
});
