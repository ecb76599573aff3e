import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import { type EdgeInMemory, SERVER_KEY, startEdgeInMemory } from "../testing/edgeInMemory.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

/** Sends bytes as they are and reads until the edge closes. */
function exchange(bytes: string): Promise<string> {
  const socket = connect(edge.port, "127.0.0.1");
  socket.write(bytes);
  return text(socket);
}

const call = async (method: string, path: string) => {
  const response = await fetch(`${edge.url}${path}`, { method });
  return { status: response.status, headers: response.headers, body: await response.text() };
};

describe("the server", () => {
  it("says that it lives, is ready, and counts", async () => {
    expect(await call("GET", "/healthz")).toMatchObject({ status: 200 });
    const ready = await call("GET", "/readyz");
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body)).toEqual({ status: "ready", checks: { log: "ok", keys: "ok" } });
    expect((await call("GET", "/metrics")).body).toContain("trueclick_edge_in_flight_bytes 0");
  });

  it("asks that no answer be kept or guessed at, the shortest way's neither", async () => {
    const headers = { authorization: `Bearer ${SERVER_KEY}`, "content-type": "application/json" };
    const post = (body: string) =>
      fetch(`${edge.url}/v1/events`, { method: "POST", headers, body });
    const answers = await Promise.all([
      ...[post(JSON.stringify(click(NOW_MS))), post("no JSON")],
      ...["/healthz", "/nowhere"].map((path) => fetch(`${edge.url}${path}`)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([202, 400, 200, 404]);
    for (const answer of answers) {
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      await answer.text();
    }
  });

  it.each(["sink", "keys"] as const)(
    "is not ready without its %s, and says which",
    async (part) => {
      edge[part].isUp = false;
      const { status, body } = await call("GET", "/readyz");
      expect(status).toBe(503);
      expect(JSON.parse(body).checks[part === "sink" ? "log" : part]).toBe("unavailable");
      expect(await call("GET", "/healthz")).toMatchObject({ status: 200 });
    },
  );

  it("is not ready and ends its connections while it stops", async () => {
    edge.beginStop();
    const { status, headers } = await call("GET", "/readyz");
    expect(status).toBe(503);
    expect(headers.get("connection")).toBe("close");
  });

  it.each([
    ["GET", "/", 404],
    ["GET", "/v1/events/", 404],
    ["POST", "/__proto__", 404],
    ["GET", "/v1/events", 405],
    ["DELETE", "/v1/events", 405],
    ["POST", "/healthz", 405],
  ])("answers %s %s with %i in JSON", async (method, path, status) => {
    const answer = await call(method, path);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: expect.any(String) } });
    if (status === 405) expect(answer.headers.get("allow")).toMatch(/GET|POST/);
  });

  it("answers HEAD like GET without a body, and OPTIONS with what there is", async () => {
    const get = await call("GET", "/healthz");
    const head = await call("HEAD", "/healthz?probe=1");
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers.get("content-length")).toBe(get.headers.get("content-length"));
    const options = await call("OPTIONS", "/v1/events");
    expect(options.status).toBe(204);
    expect(options.headers.get("allow")).toBe("POST, OPTIONS");
  });

  it.each([
    ["what is no HTTP", "hello\r\n\r\n", 400],
    ["headers without end", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["a request for no host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    [
      "two lengths, by which requests are smuggled",
      "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
      400,
    ],
    [
      "a length beside chunks",
      "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["an expectation of more", "GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417],
  ])("answers %s in JSON", async (_what, bytes, status) => {
    const answer = await exchange(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/\r\n\r\n\{"error":\{"code":"\w+","message":"[^"]+"\}\}$/);
  });

  // A client that is refused while it still sends must hear why, and its next request must work.
  it("lets a refused client finish, and go on with the same connection", async () => {
    const body = "x".repeat(1_500_000);
    const head = "POST /v1/events HTTP/1.1\r\nHost: a\r\n";
    const next = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const answers = await exchange(`${head}Content-Length: ${body.length}\r\n\r\n${body}${next}`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 401", "HTTP/1.1 200"]);
  });

  // Reading on is a courtesy; without an end to it, it would be a way to keep the edge busy.
  it("hangs up on a refused client that never ends", async () => {
    const socket = connect(edge.port, "127.0.0.1");
    socket.on("error", () => {});
    const head = "POST /v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `100000\r\n${"x".repeat(0x100000)}\r\n`;
    const chunksMax = 64;
    let chunks = 0;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    socket.once("close", () => resolve());
    const send = () => {
      if (socket.destroyed || chunks === chunksMax) return resolve();
      chunks += 1;
      socket.write(chunk, send);
    };
    socket.write(head, send);
    await over;
    socket.destroy();
    expect(chunks).toBeLessThan(chunksMax);
  });

  it("outlives a client that leaves in the middle of its body", async () => {
    const socket = connect(edge.port, "127.0.0.1");
    const head = `POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${SERVER_KEY}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
    await expect.poll(() => edge.inFlight.bytes).toBeGreaterThan(0);
    socket.destroy();
    await expect.poll(() => edge.inFlight.bytes).toBe(0);
    const metrics = (await call("GET", "/metrics")).body;
    expect(metrics).toContain('refused_events_total{source="src_server",status="499"} 1');
    expect(edge.faults).toEqual([]);
  });

  // Slowloris: sockets that send a byte now and then and never come to an end.
  it.each([
    ["headers", "POST /v1/events HTTP/1.1\r\nHost: a\r\n"],
    [
      "body",
      "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" +
        `Authorization: Bearer ${SERVER_KEY}\r\nContent-Length: 9\r\n\r\n{`,
    ],
  ])("ends a request whose %s never come, and frees what it held", async (_what, bytes) => {
    edge.server.headersTimeout = 100;
    edge.server.requestTimeout = 200;
    const answer = await exchange(bytes);
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    await expect.poll(() => edge.inFlight.bytes).toBe(0);
  });

  it("shows a client nothing of what went wrong inside", async () => {
    edge.sink.append = () => Promise.reject(new Error("secret of the store"));
    const response = await fetch(`${edge.url}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${SERVER_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(click(NOW_MS)),
    });
    expect(response.status).toBe(503);
    expect(await response.text()).not.toMatch(/secret|at .*:\d+/);
    expect(edge.faults).toHaveLength(1);
  });
});
