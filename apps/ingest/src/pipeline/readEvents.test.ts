import { partitionOf, partitionOfBytes } from "@trueclick/event-log/partition";
import { sourceIdSchema } from "@trueclick/shared/ids";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256Hex } from "../adapters/hashes.ts";
import { IP_UNKNOWN } from "../domain/ipFacts.ts";
import { LineBuffer } from "../domain/plain/lineBuffer.ts";
import { click } from "../testing/click.ts";
import { OpenedBody, type ReadContext, SLICE_BYTES_MAX, SLICE_EVENTS_MAX } from "./readEvents.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const EVENTS = 1_000;

/** User agents read since others last had their turn: what takes longest of one event. */
let readInSlice = 0;
let readInSliceMost = 0;
let turns = 0;
let turnBytes = 0;
beforeEach(() => {
  readInSlice = 0;
  readInSliceMost = 0;
  turns = 0;
  turnBytes = 0;
});

const context: ReadContext = {
  source: { id: sourceIdSchema.parse("src_1"), speaksForUsers: true, requireToken: false },
  connection: { ip: null, userAgent: null, isPrefetch: false },
  region: "test",
  ingestTimeMs: NOW_MS,
  verifyToken: null,
  readUserAgent: () => {
    readInSlice += 1;
    readInSliceMost = Math.max(readInSliceMost, readInSlice);
    return { device: "other", isBot: false };
  },
  recallUserAgent: () => undefined,
  readIp: () => IP_UNKNOWN,
  partitionCount: 4,
  sha256Hex,
  partitionOf,
  partitionOfBytes,
  yieldTurn: async () => {
    turns += 1;
    readInSlice = 0;
  },
};

const judge = (events: readonly unknown[]) => judgeText(JSON.stringify(events));

async function judgeText(json: string) {
  const body = Buffer.from(json);
  const opened = new OpenedBody(body, "json", new LineBuffer(), context);
  if (opened.split.kind !== "events") throw new Error(opened.split.kind);
  turnBytes = body.length;
  return opened.judge(opened.split.events);
}

const many = (change: (index: number) => Readonly<Record<string, unknown>>) =>
  Array.from({ length: EVENTS }, (_, index) =>
    click(NOW_MS, { event_id: `evt_${index + 1e7}`, ...change(index) }),
  );

describe("OpenedBody", () => {
  // One request of the largest kind must not keep all others waiting.
  it("lets others have their turn between slices of events that take long", async () => {
    const { lines } = await judge(many((index) => ({ user_agent: `never seen before ${index}` })));
    expect(lines).toHaveLength(EVENTS);
    expect(readInSliceMost).toBe(SLICE_EVENTS_MAX);
    expect(turns).toBe(Math.ceil(EVENTS / SLICE_EVENTS_MAX) - 1);
  });

  it("counts the bytes of large events too", async () => {
    const nested = "[".repeat(3_000) + "]".repeat(3_000);
    const deep = `{"a":${nested},${JSON.stringify(click(NOW_MS)).slice(1)}`;
    const { rejected } = await judgeText(`[${Array(150).fill(deep).join()}]`);
    expect(rejected.map(({ code }) => code)).toEqual(Array(150).fill("too_deep"));
    expect(turns).toBeGreaterThanOrEqual(Math.floor(turnBytes / SLICE_BYTES_MAX));
  });

  it("has no need to stop where all can be taken as it stands", async () => {
    const { lines } = await judge(many(() => ({})));
    expect(lines).toHaveLength(EVENTS);
    expect(turns).toBe(0);
  });

  it("keeps the order of events, whichever way each went", async () => {
    const events = many((index) => (index % 3 === 0 ? { user_id: "é" } : {}));
    const body = Buffer.from(JSON.stringify(events));
    const buffer = new LineBuffer();
    const opened = new OpenedBody(body, "json", buffer, context);
    if (opened.split.kind !== "events") throw new Error(opened.split.kind);
    const { lines } = await opened.judge(opened.split.events);
    const ids = lines.map(({ start, end }) =>
      JSON.parse(buffer.bytes.toString("utf8", start, end)),
    );
    expect(ids.map(({ event_id }) => event_id)).toEqual(events.map(({ event_id }) => event_id));
  });
});
