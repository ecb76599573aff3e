import { openDatabase } from "@trueclick/db/postgres/database";
import { sourceKeys, sources } from "@trueclick/db/postgres/schema/keys";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createPostgresKeyDirectory } from "./postgresKeyDirectory.ts";

const PAGE_ORIGINS = ["https://shop.example"];

let testDatabase: TestDatabase;
let database: ReturnType<typeof openDatabase>;
beforeEach(async () => {
  testDatabase = await createMigratedDatabase();
  database = openDatabase(testDatabase.url, { connectionsMax: 1 });
});
afterEach(async () => {
  await database.close();
  await testDatabase.drop();
});

async function addSource(id: string, traits: Partial<typeof sources.$inferInsert>): Promise<void> {
  const sourceId = sourceIdSchema.parse(id);
  await database.db.insert(sources).values({ id: sourceId, name: id, ...traits });
  const key = { id: `key_${id}`, sourceId, keySha256: `hash_${id}`, signingSecret: `secret_${id}` };
  await database.db.insert(sourceKeys).values(key);
}

// Each way of showing a key finds only what that way may be trusted with.
it("reads of a key what was asked for, and finds in a URL only keys of pages", async () => {
  await addSource("page", { allowedOrigins: PAGE_ORIGINS });
  await addSource("plain", {});
  await addSource("server", { allowedOrigins: PAGE_ORIGINS, speaksForUsers: true });
  const directory = createPostgresKeyDirectory(database.db);
  const read = async (lookup: string) => {
    const found = await directory.find(lookup);
    return found === null ? null : [found.source.id, found.signingSecret, found.allowedOrigins];
  };
  expect(await read("hash_page")).toEqual(["page", null, null]);
  expect(await read("id:key_page")).toEqual(["page", "secret_page", null]);
  expect(await read("page:hash_page")).toEqual(["page", null, PAGE_ORIGINS]);
  expect(await read("page:hash_plain")).toBeNull();
  expect(await read("page:hash_server")).toBeNull();
  expect(await read("id:hash_page")).toBeNull();
});
