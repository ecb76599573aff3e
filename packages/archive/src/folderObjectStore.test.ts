import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createFolderObjectStore } from "./folderObjectStore.ts";
import type { ObjectStore } from "./objectStore.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "objects-"));
});
afterEach(() => rm(root, { recursive: true }));

async function listed(store: ObjectStore): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of store.list("raw/")) paths.push(path);
  return paths;
}

const one = Uint8Array.of(1, 2, 3);
const other = Uint8Array.of(1, 2, 4);

it("keeps what was stored first under a name, whatever comes after", async () => {
  const store = createFolderObjectStore(root);
  expect(await store.putIfAbsent("raw/a.parquet", one)).toBe("stored");
  expect(await store.putIfAbsent("raw/a.parquet", one)).toBe("same");
  expect(await store.putIfAbsent("raw/a.parquet", other)).toBe("different");
  expect(await store.get("raw/a.parquet")).toEqual(Buffer.from(one));
  expect(await store.stat("raw/a.parquet")).toEqual({ bytes: 3 });
});

it("lets only one of many win a name, and leaves nothing half-written behind", async () => {
  const store = createFolderObjectStore(root);
  const contents = Array.from({ length: 8 }, (_, at) => Uint8Array.of(at));
  const outcomes = await Promise.all(contents.map((bytes) => store.putIfAbsent("raw/a", bytes)));
  expect(outcomes.filter((outcome) => outcome === "stored")).toHaveLength(1);
  expect(await readdir(join(root, ".tmp"))).toEqual([]);
});

it("answers null for what is not there, and lists what is, sorted", async () => {
  const store = createFolderObjectStore(root);
  expect(await store.get("raw/none")).toBeNull();
  expect(await store.stat("raw/none")).toBeNull();
  expect(await listed(store)).toEqual([]);
  for (const path of ["raw/h=2/b", "raw/h=1/c", "raw/h=1/a"]) await store.putIfAbsent(path, one);
  expect(await listed(store)).toEqual(["raw/h=1/a", "raw/h=1/c", "raw/h=2/b"]);
});

// A name comes from a manifest row at last; one that leaves the folder must not be followed.
it.each([
  "../secret",
  "raw/../../secret",
  "/etc/passwd",
  "raw//a",
  "raw/.",
  "",
  "raw/a{b,c}",
  "a b",
])("refuses the path %j", async (path) => {
  const store = createFolderObjectStore(root);
  await expect(store.putIfAbsent(path, one)).rejects.toThrow(RangeError);
  await expect(store.get(path)).rejects.toThrow(RangeError);
});
