import { type OpenDatabase, openDatabase } from "@trueclick/db/postgres/database";
import { sourceKeys, sources, tokenKeys } from "@trueclick/db/postgres/schema/keys";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import { TokenKeyring } from "@trueclick/shared/token/click";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiKey, createSourceKey, revokeKey } from "./createKeys.ts";
import { sha256Hex } from "./hash.ts";
import { listKeys, rotateKey } from "./keyRegister.ts";
import { addTokenKey, mintToken, retireTokenKey, seedTokenKey } from "./tokenKeys.ts";

let test: TestDatabase;
let database: OpenDatabase;
beforeAll(async () => {
  test = await createMigratedDatabase();
  database = openDatabase(test.url, { connectionsMax: 2 });
});
afterAll(async () => {
  await database.close();
  await test.drop();
});

const source = { name: "Shop", speaksForUsers: false, expiresAt: null };
const stateOf = async (id: string) =>
  (await listKeys(database.db)).find((key) => key.id === id)?.state;

describe("keys of sources", () => {
  it("are kept as hashes, with what their source may", async () => {
    const wanted = { ...source, requireToken: true, eventsPerSecond: 50, signs: true };
    const allowedOrigins = ["https://shop.example"];
    const made = await createSourceKey(database.db, { ...wanted, sourceId: "a", allowedOrigins });
    const [row] = await database.db.select().from(sourceKeys).where(eq(sourceKeys.id, made.id));
    expect(row).toMatchObject({ keySha256: sha256Hex(made.key), scopes: ["events"] });
    expect(row?.signingSecret).toBe(made.signingSecret);
    expect(JSON.stringify(row)).not.toContain(made.key);
    expect(await database.db.select().from(sources)).toMatchObject([
      { id: "a", requireToken: true, eventsPerSecond: 50, allowedOrigins },
    ]);
    const listed = (await listKeys(database.db)).find(({ id }) => id === made.id);
    expect(listed?.traits).toEqual(["events", "require-token", "signs"]);
  });

  it("must sign where the source must", async () => {
    const wanted = { ...source, sourceId: "b", requireSignature: true };
    await expect(createSourceKey(database.db, wanted)).rejects.toThrow("--signing");
  });

  // Two secrets are live for a while, then one.
  it("are followed by a successor, and good beside it for the grace alone", async () => {
    const old = await createSourceKey(database.db, { ...source, sourceId: "c", signs: true });
    const beforeMs = Date.now();
    const young = await rotateKey(database.db, old.id, 3_600);
    expect([await stateOf(old.id), await stateOf(young.id)]).toEqual(["good", "good"]);
    expect(young.oldExpiresAt.getTime() - beforeMs).toBeGreaterThan(3_590_000);
    expect(young.oldExpiresAt.getTime() - beforeMs).toBeLessThan(3_700_000);
    expect(young.signingSecret).not.toBe(old.signingSecret);
    expect(young.key).not.toBe(old.key);
    await expect(rotateKey(database.db, old.id, 60)).rejects.toThrow("replaced");
    const third = await rotateKey(database.db, young.id, 60);
    expect(third.oldExpiresAt.getTime()).toBeLessThan(young.oldExpiresAt.getTime());
  });

  it("live no longer for being rotated", async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const old = await createSourceKey(database.db, { ...source, sourceId: "d", expiresAt });
    const { oldExpiresAt } = await rotateKey(database.db, old.id, 3_600);
    expect(oldExpiresAt).toEqual(expiresAt);
    await revokeKey(database.db, old.id);
    expect(await stateOf(old.id)).toBe("revoked");
    await expect(rotateKey(database.db, "none", 60)).rejects.toThrow("No key");
  });
});

it("rotates keys of the REST API with their role", async () => {
  const wanted = { name: "BI", role: "engineer" as const, advertiserId: undefined };
  const old = await createApiKey(database.db, { ...wanted, expiresAt: null });
  const young = await rotateKey(database.db, old.id, 60);
  const listed = (await listKeys(database.db)).find(({ id }) => id === young.id);
  expect(listed).toMatchObject({ kind: "api", of: "BI", traits: ["engineer"], state: "good" });
});

describe("keys of click tokens", () => {
  const nowS = () => Math.floor(Date.now() / 1_000);
  const claims = () => ({
    ...{ issuer: "operator", campaignId: "c", adId: "a", publisherId: "p", impressionId: "i" },
    ...{ issuedAtS: nowS(), expiresAtS: nowS() + 60, landingUrl: "https://shop.example/" },
  });
  const age = (id: string) =>
    database.db
      .update(tokenKeys)
      .set({ createdAt: new Date(Date.now() - 60_000) })
      .where(eq(tokenKeys.id, id));

  it("mint only what every edge knows, verify until they are retired, and keep their secrets", async () => {
    const first = Buffer.alloc(32, 1).toString("base64");
    await seedTokenKey(database.db, first);
    await seedTokenKey(database.db, Buffer.alloc(32, 2).toString("base64"));
    await age("local");
    const added = await addTokenKey(database.db, "young");
    const byOld = await mintToken(database.db, claims(), undefined);
    expect(byOld.keyId).toBe("local");
    const keyring = new TokenKeyring(
      new Map([
        ["local", Buffer.from(first, "base64")],
        ["young", Buffer.from(added.secret, "base64")],
      ]),
    );
    expect(keyring.verify(byOld.token, Date.now()).kind).toBe("ok");
    await age("young");
    const byYoung = await mintToken(database.db, claims(), undefined);
    expect([byYoung.keyId, keyring.verify(byYoung.token, Date.now()).kind]).toEqual([
      "young",
      "ok",
    ]);
    await retireTokenKey(database.db, "young");
    expect((await mintToken(database.db, claims(), undefined)).keyId).toBe("local");
    await expect(mintToken(database.db, claims(), "young")).rejects.toThrow("No key in force");
    await expect(addTokenKey(database.db, "young")).rejects.toThrow("keeps its secret");
    await expect(retireTokenKey(database.db, "young")).rejects.toThrow("No key in force");
  });

  it("mint no link to a script", async () => {
    const script = { ...claims(), landingUrl: "javascript:alert(1)" };
    await expect(mintToken(database.db, script, "local")).rejects.toThrow("landing URL");
  });
});
