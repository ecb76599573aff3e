import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DATA_NAMES, type DataDir } from "../stack/dataDir.ts";
import { createEdgeClient } from "./edgeClient.ts";
import { createPacer } from "./pacer.ts";
import { openInput } from "./readLines.ts";
import { type SendSummary, sendFile } from "./sendFile.ts";
import { createSendStateStore } from "./sendState.ts";

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Answers as the edge does; `received` holds the lines of every body that was answered with 202. */
interface FakeEdge {
  readonly url: string;
  readonly received: string[];
  /** Taken one by one before the edge answers as usual. */
  readonly replies: (Reply | "hang up")[];
  /** Once it has so many lines, it is away, and calls. */
  outage: { readonly afterLines: number; readonly call: () => void } | null;
  close(): Promise<void>;
}

const AWAY: Reply = { status: 503, body: { error: { code: "away", message: "Send again." } } };

async function startFakeEdge(): Promise<FakeEdge> {
  const received: string[] = [];
  const replies: (Reply | "hang up")[] = [];
  const server: Server = createServer(async (request, response) => {
    const lines = (await readBody(request)).split("\n").filter((line) => line !== "");
    const isAway = edge.outage !== null && received.length >= edge.outage.afterLines;
    const reply = isAway ? AWAY : replies.shift();
    if (isAway) edge.outage?.call();
    if (reply === "hang up") return request.socket.destroy();
    const rejected = lines.flatMap((line, index) =>
      line.includes('"bad"') ? [{ index, code: "invalid_field", message: "It is bad." }] : [],
    );
    const accepted = lines.length - rejected.length;
    const { status, body } = reply ?? { status: 202, body: { accepted, rejected } };
    if (status === 202) received.push(...lines);
    response.writeHead(status, { "content-type": "application/json" });
    return response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const edge: FakeEdge = {
    ...{ url: `http://127.0.0.1:${address.port}`, received, replies, outage: null },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return edge;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

let path: string;
let data: DataDir;
let edge: FakeEdge;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "trueclick-send-"));
  data = { path, file: (name) => join(path, DATA_NAMES[name]) };
  edge = await startFakeEdge();
});
afterEach(async () => {
  await edge.close();
  await rm(path, { recursive: true, force: true });
});

const lineOf = (number: number) => `{"event_type":"click","number":${number}}`;
const linesOf = (count: number) => Array.from({ length: count }, (_, index) => lineOf(index));

/** Sends ten events a batch. */
async function send(lines: readonly string[], stop = new AbortController()): Promise<SendSummary> {
  const file = join(path, "events.ndjson");
  await writeFile(file, lines.join("\n"));
  const open = () => openInput(file, process.stdin);
  return sendFile({
    input: await open(),
    edge: createEdgeClient({ ingestUrl: edge.url, sourceKey: "tcs_key", stop: stop.signal }),
    pacer: { ...createPacer(null, 10), wait: async () => {} },
    states: createSendStateStore(data, file, edge.url),
    reopen: open,
    progress: { show: () => {}, clear: () => {} },
    stop: stop.signal,
  });
}

const idsOf = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).event_id);

describe("sending a file", () => {
  it("sends every line, in order, each with an id", async () => {
    expect(await send(linesOf(25))).toMatchObject({ lines: 25, accepted: 25, finished: true });
    expect(edge.received.map((line) => JSON.parse(line).number)).toEqual(
      Array.from({ length: 25 }, (_, index) => index),
    );
    expect(new Set(idsOf(edge.received)).size).toBe(25);
  });

  // The edge tells copies by their ids: with other ids, the second sending would be billed too.
  it("gives the same ids when the same file is sent again, also grown", async () => {
    await send(linesOf(25));
    await send(linesOf(30));
    const ids = idsOf(edge.received);
    expect(ids.slice(25, 50)).toEqual(ids.slice(0, 25));
    expect(new Set(ids).size).toBe(30);
  });

  it("gives equal lines ids of their own: two clicks are two clicks", async () => {
    await send([lineOf(1), lineOf(1)]);
    expect(new Set(idsOf(edge.received)).size).toBe(2);
  });

  it("tells the lines that were rejected", async () => {
    const summary = await send([lineOf(1), "", '{"bad":1}', lineOf(2)]);
    expect(summary).toMatchObject({
      ...{ accepted: 2, rejected: 1 },
      rejections: [{ line: 3, code: "invalid_field" }],
    });
  });

  // What an edge that hangs up has stored is not known: only the same bytes are safe to send again.
  it.each([
    ["hangs up", "hang up"],
    ["is overloaded", AWAY],
    ["has had too much", { ...AWAY, status: 429 }],
  ] as const)("sends the same again when the edge %s", async (_case, reply) => {
    edge.replies.push(reply, reply);
    expect(await send(linesOf(3))).toMatchObject({ accepted: 3, finished: true });
    expect(edge.received).toHaveLength(3);
  });

  it("stops at once when the key is not valid", async () => {
    const body = { error: { code: "unauthorized", message: "The key is not valid." } };
    edge.replies.push({ status: 401, body });
    await expect(send(linesOf(3))).rejects.toThrow(/not valid/);
  });
});

describe("a sending that was interrupted", () => {
  /** The edge goes away after so many lines, and the user does not wait for it. */
  async function interruptAfter(afterLines: number, lines: readonly string[]): Promise<void> {
    const stop = new AbortController();
    edge.outage = { afterLines, call: () => stop.abort() };
    await expect(send(lines, stop)).rejects.toThrow(/Stopped/);
    edge.outage = null;
  }

  it("goes on where it was, and repeats nothing that was answered", async () => {
    await interruptAfter(20, linesOf(45));
    const summary = await send(linesOf(45));
    expect(summary).toMatchObject({ lines: 45, accepted: 45, resumedAfter: 20, finished: true });
    expect(edge.received).toHaveLength(45);
    expect(new Set(idsOf(edge.received)).size).toBe(45);
  });

  it("starts over when the file begins with other lines than it did", async () => {
    await interruptAfter(20, linesOf(45));
    edge.received.length = 0;
    const changed = ['{"event_type":"click","number":"new"}', ...linesOf(44)];
    expect(await send(changed)).toMatchObject({ lines: 45, accepted: 45, resumedAfter: 0 });
    expect(edge.received).toHaveLength(45);
  });
});
