import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { afterAll, beforeAll, expect, it } from "vitest";
import { partsOn, startOwnServer } from "../testing/ownServer.ts";
import { askRaw, readAll, toAnswer, toBytes } from "../testing/rawRequest.ts";

const LONG_MS = 200_000;
/** Shorter than the server keeps a connection on which nobody asks. */
const SOON_MS = 40_000;
const KEPT = { Connection: "keep-alive" };

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.close());

/** A server whose pages are drawn when the test says so. */
async function startSlow() {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  const web = await startOwnServer(partsOn(stores), async (_incoming, outgoing) =>
    resolve(outgoing),
  );
  return { web, asked };
}

it("lets a request under way end, and takes no other", { timeout: SOON_MS }, async () => {
  const { web, asked } = await startSlow();
  const idle = connect(web.port, "127.0.0.1");
  idle.write(toBytes({ target: "/api/v1/none", headers: KEPT }, web.port));
  await once(idle, "data");
  const busy = connect(web.port, "127.0.0.1");
  busy.write(toBytes({ target: "/sign-in", headers: KEPT }, web.port));
  const outgoing = await asked;

  const stopped = web.stop(LONG_MS);
  await once(idle, "close");
  await expect(askRaw(web.port, { target: "/api/health" })).resolves.toMatchObject({ bytes: 0 });
  outgoing.end("drawn");
  expect(toAnswer(await readAll(busy))).toMatchObject({ status: 200, text: "drawn" });
  await stopped;
});

it("cuts off who takes too long", async () => {
  const { web, asked } = await startSlow();
  const busy = connect(web.port, "127.0.0.1");
  busy.write(toBytes({ target: "/sign-in" }, web.port));
  await asked;
  await web.stop(1);
  expect(await readAll(busy)).toHaveLength(0);
});

it("does not listen where another does", async () => {
  const { web } = await startSlow();
  const other = connect(web.port, "127.0.0.1");
  await once(other, "connect");
  other.destroy();
  const { createWebServer } = await import("./webServer.ts");
  const second = createWebServer({
    ...{ webUrl: "http://127.0.0.1:3000", isDevelopment: false, onFault: () => {} },
    ...{ api: { answer: () => null }, pages: Promise.resolve(async () => {}) },
  });
  await expect(second.listen(web.port, "127.0.0.1")).rejects.toThrow("EADDRINUSE");
  await web.stop();
});
