import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, describe, expect, it } from "vitest";
import { takesGzip, writeAnswer } from "./writeAnswer.ts";

it.each([
  "gzip",
  "GZIP",
  "gzip, deflate, br, zstd",
  "br;q=1, gzip;q=0.1",
  "*",
  "*;q=0.5",
  "gzip, *;q=0",
  "deflate , gzip ; q=1.0",
])("compresses for who takes %s", (accepted) => {
  expect(takesGzip(accepted)).toBe(true);
});

it.each([
  undefined,
  "",
  "identity",
  "br",
  "deflate",
  "gzip;q=0",
  "gzip; q=0.000",
  "*;q=0",
  "*, gzip;q=0",
  "xgzip",
])("does not for who takes %s", (accepted) => {
  expect(takesGzip(accepted)).toBe(false);
});

describe("an answer that is made piece by piece", () => {
  const encoder = new TextEncoder();
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });

  /** A server of one answer, to which the test adds pieces. */
  async function serve() {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const pieces = writable.getWriter();
    const { promise: ended, resolve } = Promise.withResolvers<unknown>();
    const server = createServer((incoming, outgoing) => {
      const headers = { "Content-Type": "application/json", "Transfer-Encoding": "chunked" };
      const answer = { response: new Response(readable, { headers }), isStreamed: true };
      writeAnswer(answer, incoming, outgoing).then(resolve, resolve);
    });
    servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    return { url: `http://127.0.0.1:${port}`, pieces, ended };
  }

  it.each(["gzip", "identity"])("leaves piece by piece as %s", async (accepted) => {
    const { url, pieces, ended } = await serve();
    const wrote = pieces.write(encoder.encode("first,"));
    const answer = await fetch(url, { headers: { "Accept-Encoding": accepted } });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe("first,");
    await wrote;
    expect(answer.headers.get("content-encoding")).toBe(accepted === "gzip" ? "gzip" : null);
    await pieces.write(encoder.encode("last"));
    await pieces.close();
    expect((await reader?.read())?.value).toBe("last");
    expect((await reader?.read())?.done).toBe(true);
    expect(await ended).toBeUndefined();
  });

  it("is no longer made once nobody takes it", async () => {
    const { url, pieces, ended } = await serve();
    const leaving = new AbortController();
    void pieces.write(encoder.encode("first,"));
    const answer = await fetch(url, { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    expect(await ended).toBeInstanceOf(Error);
    await expect(pieces.closed).rejects.toBeDefined();
  });
});
