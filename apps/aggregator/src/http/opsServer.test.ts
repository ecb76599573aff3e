import { once } from "node:events";
import type { Server } from "node:http";
import { afterEach, expect, it } from "vitest";
import { createOpsServer, type OpsSources, READY } from "./opsServer.ts";

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function serve(differences: Partial<OpsSources> = {}) {
  server = createOpsServer({
    readiness: () => new Map([["stream", READY]]),
    metrics: async () => ({ contentType: "text/plain; version=0.0.4", text: "clicks 1\n" }),
    ...differences,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port was given");
  return (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${address.port}${path}`, init);
}

it.each([
  ["/healthz", 200],
  ["/readyz", 200],
  ["/readyz?verbose", 200],
  ["/metrics", 200],
  ["/", 404],
])("answers %s with %i", async (path, status) => {
  const ask = await serve();
  expect((await ask(path)).status).toBe(status);
});

it("is up but not ready while a part is not, and says which", async () => {
  const parts = new Map([
    ["archive", READY],
    ["stream", "waiting: cells"],
  ]);
  const ask = await serve({ readiness: () => parts });
  expect((await ask("/healthz")).status).toBe(200);
  const answer = await ask("/readyz");
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({ ready: false, parts: Object.fromEntries(parts) });
});

it("changes nothing on anybody's behalf", async () => {
  const ask = await serve();
  expect((await ask("/healthz", { method: "POST" })).status).toBe(405);
});

it("outlives metrics that cannot be had", async () => {
  const ask = await serve({ metrics: () => Promise.reject(new Error("no registry")) });
  expect((await ask("/metrics")).status).toBe(500);
  expect((await ask("/healthz")).status).toBe(200);
});
