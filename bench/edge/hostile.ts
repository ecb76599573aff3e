/**
 * Bodies made to hold the loop: each as large as it may be, and of the kind that costs most for its
 * bytes. What counts is how long others have to wait for their turn.
 */
import { randomUUID } from "node:crypto";
import { zstdCompressSync } from "node:zlib";

const BODY_BYTES_MAX = 1_048_576;
const BOMB_BYTES = 2 ** 26;
const EVENTS = 500;
const EVENT_BYTES = 2_000;
const VARIANTS = 4;

interface HostileBody {
  readonly body: Buffer;
  readonly headers?: readonly string[];
}

function click(nowMs: number, change: Readonly<Record<string, unknown>> = {}) {
  return {
    ...{ schema_version: 1, event_type: "click", event_id: randomUUID(), event_time: nowMs },
    ...{ campaign_id: "cmp_1", ad_id: "ad_1", publisher_id: "pub_1", ...change },
  };
}

function events(nowMs: number, change: (index: number) => Readonly<Record<string, unknown>>) {
  const all = Array.from({ length: EVENTS }, (_, index) => click(nowMs, change(index)));
  return Buffer.from(JSON.stringify(all));
}

/** Not what the short way takes, and more of it than a reader of JSON likes. */
const UGLY = '\u202e\u0000\ud83d\ude00\ufeff\\"\u2028\u00e9\ufdfa';

const MAKERS: Readonly<Record<string, (nowMs: number) => HostileBody>> = {
  "1 MiB of brackets": () => ({ body: Buffer.alloc(BODY_BYTES_MAX, "[") }),
  "1 MiB of empty objects": () => ({ body: nest("[", "{},", "{}]") }),
  "1 MiB of nested objects": () => ({ body: nest("", '{"a":', "1") }),
  "an array of 2^19 numbers": () => ({ body: nest("[", "1,", "1]") }),
  "1 MiB of names with escapes": () => ({ body: nest("{", '"\\u0065vent":1,', '"a":1}') }),
  "a batch of 2^19 numbers and a name": () => ({ body: nest('{"events":[', "1,", '1],"a":1}') }),
  "1 MiB of escapes": () => ({ body: nest('"', "\\u0000", '"') }),
  "zstd bomb of 64 MiB": () => ({
    body: zstdCompressSync(Buffer.alloc(BOMB_BYTES)),
    headers: ["Content-Encoding: zstd"],
  }),
  "zstd to 1 MiB of events": (nowMs) => ({
    body: zstdCompressSync(events(nowMs, () => ({ ext: { page: "x".repeat(EVENT_BYTES) } }))),
    headers: ["Content-Encoding: zstd"],
  }),
  "500 events of ugly text": (nowMs) => ({
    body: events(nowMs, () => ({ ext: { text: UGLY.repeat(60), [UGLY]: UGLY } })),
  }),
  "500 events nested as deep as they may": (nowMs) => ({
    body: events(nowMs, () => ({ ext: JSON.parse(`${"[".repeat(900)}${"]".repeat(900)}`) })),
  }),
  "500 events of many fields": (nowMs) => ({
    body: events(nowMs, () =>
      Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`f${index}`, index])),
    ),
  }),
  "500 events of a user agent each": (nowMs) => ({
    body: events(nowMs, (index) => ({ user_agent: `Mozilla/5.0 (${randomUUID()}) ${index}` })),
  }),
};

/** In the order of the table. */
export const HOSTILE_INPUTS: readonly string[] = Object.keys(MAKERS);

/** Bodies of one kind, each other than the last where that matters. */
export function hostileBodies(input: string): readonly HostileBody[] {
  const make = MAKERS[input];
  if (make === undefined) throw new RangeError(`No input is called ${input}`);
  const nowMs = Date.now();
  return Array.from({ length: VARIANTS }, () => make(nowMs));
}

/** As many pieces between a beginning and an end as a body may hold. */
function nest(open: string, piece: string, end: string): Buffer {
  const pieces = Math.floor((BODY_BYTES_MAX - open.length - end.length) / piece.length);
  return Buffer.from(open + piece.repeat(pieces) + end);
}
