import { hash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestS3, type TestS3 } from "@trueclick/local-stack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFolderObjectStore } from "./folderObjectStore.ts";
import { type ObjectStore, ObjectStoreUnavailableError } from "./objectStore.ts";
import type { S3Settings } from "./s3/s3Client.ts";
import { assertConditionalPuts, createS3ObjectStore } from "./s3/s3ObjectStore.ts";

const { s3, missing } = await startTestS3();
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "objects-"));
});
afterAll(async () => {
  await s3?.drop();
  await rm(root, { recursive: true });
});

async function listed(store: ObjectStore, prefix: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of store.list(prefix)) paths.push(path);
  return paths;
}

const one = Uint8Array.of(1, 2, 3);
const other = Uint8Array.of(1, 2, 4);
const settingsOf = (server: TestS3): S3Settings => ({ ...server, pathStyle: true });
/** Two keys a page, so that listings have pages. */
const s3Store = (server: TestS3) => createS3ObjectStore(settingsOf(server), 2);

/** What every store promises, whatever is behind it. */
function describeContract(openStore: () => ObjectStore): void {
  it("keeps what was stored first under a name, whatever comes after", async () => {
    const store = openStore();
    const path = "raw/event_hour=2026-03-01T07/p3-a:b.parquet";
    expect(await store.putIfAbsent(path, one)).toBe("stored");
    expect(await store.putIfAbsent(path, one)).toBe("same");
    expect(await store.putIfAbsent(path, other)).toBe("different");
    expect(Buffer.from((await store.get(path)) ?? [])).toEqual(Buffer.from(one));
    expect(await store.stat(path)).toEqual({ bytes: 3 });
  });

  it("lets only one of many win a name", async () => {
    const store = openStore();
    const contents = Array.from({ length: 8 }, (_, at) => Uint8Array.of(at));
    const outcomes = await Promise.all(contents.map((it) => store.putIfAbsent("raw/race", it)));
    expect(outcomes.filter((outcome) => outcome === "stored")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "different")).toHaveLength(7);
  });

  it("answers null for what is not there, and lists what is, sorted", async () => {
    const store = openStore();
    expect(await store.get("raw/none")).toBeNull();
    expect(await store.sha256("raw/none")).toBeNull();
    expect(await store.stat("raw/none")).toBeNull();
    expect(await listed(store, "none/")).toEqual([]);
    const paths = ["list/h=2/b", "list/h=1/c", "list/h=1/a", "list/h=1/b", "list/h=3/a"];
    for (const path of paths) await store.putIfAbsent(path, one);
    expect(await listed(store, "list/")).toEqual([...paths].sort());
  });

  it("removes an object, once and again, and then takes the name for free", async () => {
    const store = openStore();
    await store.putIfAbsent("raw/gone", one);
    await store.remove("raw/gone");
    await store.remove("raw/gone");
    expect(await store.get("raw/gone")).toBeNull();
    expect(await store.putIfAbsent("raw/gone", other)).toBe("stored");
  });

  it("keeps an object of many megabytes to the byte", async () => {
    const store = openStore();
    const bytes = Buffer.alloc(8 * 1_048_576 + 5, "0123456789abcdefg");
    await store.putIfAbsent("raw/large", bytes);
    expect(bytes.equals((await store.get("raw/large")) ?? Buffer.alloc(0))).toBe(true);
    expect(await store.sha256("raw/large")).toBe(hash("sha256", bytes));
  });

  // A name comes from a manifest row at last; one that leaves the store must not be followed.
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
    const store = openStore();
    await expect(store.putIfAbsent(path, one)).rejects.toThrow(RangeError);
    await expect(store.get(path)).rejects.toThrow(RangeError);
    await expect(store.sha256(path)).rejects.toThrow(RangeError);
    await expect(store.remove(path)).rejects.toThrow(RangeError);
  });
}

describe("a folder", () => {
  describeContract(() => createFolderObjectStore(root));

  it("leaves nothing half-written behind", async () => {
    await createFolderObjectStore(root).putIfAbsent("raw/whole", one);
    expect(await readdir(join(root, ".tmp"))).toEqual([]);
  });
});

describe.skipIf(s3 === null)(
  `an S3 bucket${missing === null ? "" : ` (skipped: ${missing})`}`,
  () => {
    if (s3 === null) return;
    describeContract(() => s3Store(s3));

    it("is refused with a wrong key, which says so and does not look like an empty archive", async () => {
      const store = createS3ObjectStore({ ...settingsOf(s3), secretAccessKey: "wrong" });
      await expect(store.putIfAbsent("raw/forged", one)).rejects.toThrow("SignatureDoesNotMatch");
      await expect(store.get("raw/none")).rejects.toThrow("SignatureDoesNotMatch");
      await expect(store.stat("raw/none")).rejects.toThrow("SignatureDoesNotMatch");
      await expect(listed(store, "raw/")).rejects.toThrow("SignatureDoesNotMatch");
      expect(await s3Store(s3).get("raw/forged")).toBeNull();
    });

    it("takes a bucket that is missing for a fault, not for an empty archive", async () => {
      const store = createS3ObjectStore({ ...settingsOf(s3), bucket: "no-such-bucket" });
      await expect(store.get("raw/none")).rejects.toThrow("NoSuchBucket");
      await expect(store.stat("raw/none")).rejects.toThrow("NoSuchBucket");
      await expect(listed(store, "raw/")).rejects.toThrow("NoSuchBucket");
    });

    it("says that the server honours conditional puts", async () => {
      await assertConditionalPuts(settingsOf(s3));
      await assertConditionalPuts(settingsOf(s3));
    });

    // The answer of a put may be lost after the object is there. It is then ours, not another's.
    it("knows its own object again when the first answer was lost on the way", async () => {
      let lost = 0;
      const proxy = await startProxy(s3, (method) => method === "PUT" && lost++ === 0);
      try {
        const store = createS3ObjectStore({ ...settingsOf(s3), endpoint: proxy.endpoint });
        expect(await store.putIfAbsent("raw/lost-answer", one)).toBe("same");
        expect(lost).toBe(2);
      } finally {
        proxy.server.close();
      }
    });

    it("gives up on a server that is away, and stores when it is back", async () => {
      const store = s3Store(s3);
      await s3.stop();
      await expect(store.putIfAbsent("raw/later", one)).rejects.toThrow(
        ObjectStoreUnavailableError,
      );
      await s3.restart();
      expect(await store.putIfAbsent("raw/later", one)).toBe("stored");
    });
  },
);

/** A server that overwrites whatever the condition is, as some that speak the S3 API do. */
it("refuses a server that does not know conditional puts", async () => {
  const server = createServer((request, response) =>
    request.resume().on("end", () => response.end()),
  );
  const endpoint = await listening(server);
  try {
    const key = { accessKeyId: "id", secretAccessKey: "secret" };
    const settings = { endpoint, bucket: "any", region: "us-east-1", pathStyle: true, ...key };
    await expect(assertConditionalPuts(settings)).rejects.toThrow("would be overwritten");
  } finally {
    server.close();
  }
});

/** Stands between client and server, and breaks the connection in place of chosen answers. */
async function startProxy(target: TestS3, loses: (method: string) => boolean) {
  const { hostname, port } = new URL(target.endpoint);
  const server = createServer((request, response) => {
    const { method = "GET", url = "/", headers } = request;
    // With the host that the client signed.
    const passed = send({ hostname, port, method, path: url, headers }, (answer) => {
      if (loses(method)) {
        answer.resume();
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
  return { server, endpoint: await listening(server) };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return `http://127.0.0.1:${address.port}`;
}
