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

describe("a request that two servers would read differently", () => {
  const head = `POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${SERVER_KEY}\r\nContent-Type: application/json\r\n`;
  const body = JSON.stringify(click(NOW_MS));
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  it.each([
    ["two lengths", `${head}Content-Length: 2\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
    ["a list of lengths", `${head}Content-Length: 2, ${body.length}\r\n\r\n${body}`],
    ["a length with a sign", `${head}Content-Length: +${body.length}\r\n\r\n${body}`],
    ["a length in hex", `${head}Content-Length: 0x10\r\n\r\n${body}`],
    [
      "a length and chunks",
      `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    ],
    ["chunks that are not last", `${head}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`],
    ["an unknown coding", `${head}Transfer-Encoding: xchunked\r\n\r\n${chunked}`],
    ["a space before the colon", `${head}Transfer-Encoding : chunked\r\n\r\n${chunked}`],
    ["a folded header", `${head}X: a\r\n Transfer-Encoding: chunked\r\n\r\n${chunked}`],
    ["a bare line feed", `${head.replaceAll("\r\n", "\n")}\nGET /healthz HTTP/1.1\n\n`],
    [
      "a size of chunk that overflows",
      `${head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
    ],
    ["NUL in a header", `${head}X: a\0b\r\n\r\n`],
  ])("is refused, and its connection ends: %s", async (_what, bytes) => {
    const smuggled = "GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n";
    const answers = await exchange(`${bytes}${smuggled}`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
    expect(edge.sink.blocks).toEqual([]);
  });
});

it("takes a POST without a length for one without a body, and what follows for the next request", async () => {
  const head = `POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${SERVER_KEY}\r\n`;
  const next = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const [silent, said] = await Promise.all(
    ["", "Content-Length: 0\r\n"].map((length) => exchange(`${head}${length}\r\n${next}`)),
  );
  expect(silent?.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400", "HTTP/1.1 200"]);
  expect(silent?.replaceAll(/^Date:.*$/gm, "")).toBe(said?.replaceAll(/^Date:.*$/gm, ""));
  expect(edge.inFlight.bytes).toBe(0);
});
