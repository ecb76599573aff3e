/** Requests as the internet sends them: whole and broken, packed and mispacked, by anybody. */
import zlib from "node:zlib";
import fc from "fast-check";
import { click } from "./click.ts";
import { BROWSER_KEY, EXPIRED_KEY, SERVER_KEY, STRICT_KEY } from "./edgeInMemory.ts";

const SHOWN_BYTES_MAX = 600;

export interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly key: string | null;
  readonly bytes: Buffer;
  /** More events than the body can hold, however it is read. */
  readonly eventsMax: number;
}

function body(nowMs: number): fc.Arbitrary<string | Uint8Array> {
  const good = fc.nat({ max: 1e6 }).map((id) => click(nowMs, { event_id: `evt_${id}_fuzz` }));
  const near = fc.dictionary(
    fc.constantFrom(...Object.keys(click(nowMs)), "ext", "test", "token", "__proto__", "events"),
    fc.oneof(fc.jsonValue(), fc.constantFrom(-1, 1e308, "\u0000", "\ud800", "9".repeat(400))),
  );
  const event = fc.oneof(good, near, fc.jsonValue());
  const list = fc.array(event, { maxLength: 6 });
  const json = (value: unknown) => JSON.stringify(value);
  return fc.oneof(
    list.map(json),
    list.map((events) => events.map(json).join("\n")),
    list.map((events) => events.map(json).join("\r\n\n")),
    list.map((events) => json({ events })),
    good.map(json),
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 10, max: 5_000 }).map((depth) => "[".repeat(depth)),
    fc.constantFrom(json(Array(1_001).fill(1)), `"${"x".repeat(1_048_577)}"`, "\ufeff{}", ""),
  );
}

/** Each as it should be, cut short, and with a byte that is wrong. */
const PACKERS = new Map<string, (bytes: Uint8Array) => Buffer>([
  ["identity", (bytes) => Buffer.from(bytes)],
  ["gzip", (bytes) => zlib.gzipSync(bytes)],
  ["x-gzip", (bytes) => zlib.gzipSync(bytes)],
  ["deflate", (bytes) => zlib.deflateSync(bytes)],
  ["DEFLATE", (bytes) => zlib.deflateRawSync(bytes)],
  ["br", (bytes) => zlib.brotliCompressSync(bytes)],
  ["zstd", (bytes) => zlib.zstdCompressSync(bytes)],
  ["gzip, gzip", (bytes) => zlib.gzipSync(zlib.gzipSync(bytes))],
  ["lzma", (bytes) => Buffer.from(bytes)],
]);

const packing = fc.record({
  encoding: fc.constantFrom("identity", "identity", "identity", ...PACKERS.keys()),
  harm: fc.constantFrom("none", "none", "none", "cut", "flip", "not packed", "twice"),
  at: fc.nat(),
});

function pack(plain: Buffer, how: { encoding: string; harm: string; at: number }) {
  const packed = how.harm === "not packed" ? plain : (PACKERS.get(how.encoding)?.(plain) ?? plain);
  if (how.encoding === "identity") return plain;
  const place = how.at % Math.max(packed.length, 1);
  if (how.harm === "cut") return packed.subarray(0, place);
  if (how.harm === "twice") return Buffer.concat([packed, packed]);
  if (how.harm === "flip" && packed.length > 0) {
    packed.writeUInt8(packed.readUInt8(place) ^ 0x10, place);
  }
  return packed;
}

const TYPES = [
  ...["application/json", "application/x-ndjson", "application/ndjson", "text/plain"],
  ...[
    "application/json; charset=utf-8",
    'text/plain;charset="UTF-8"',
    "application/json;charset=x",
  ],
  ...["text/html", "multipart/form-data", "", ";;;", "a/b/c"],
];

/** Requests for events, most of them of the kind that is taken, and some for anything else. */
export function fuzzedRequest(nowMs: number): fc.Arbitrary<FuzzedRequest> {
  return fc
    .record({
      method: fc.constantFrom(
        ...Array.from({ length: 12 }, () => "POST"),
        ...["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"],
      ),
      path: fc.constantFrom(
        ...Array.from({ length: 12 }, () => "/v1/events"),
        ...["/v1/events?x=1", "/v1/events/", "/v1/EVENTS", "//v1/events", "/", "/c/e30", "/c/"],
        ...["/healthz", "/__proto__", "/constructor", "/v1/events?key=guess", "*"],
      ),
      key: fc.constantFrom(
        ...[SERVER_KEY, SERVER_KEY, SERVER_KEY, BROWSER_KEY, BROWSER_KEY, STRICT_KEY],
        ...[EXPIRED_KEY, "guess", "a b", null],
      ),
      type: fc.constantFrom(...Array.from({ length: 4 }, () => TYPES.slice(0, 6)).flat(), ...TYPES),
      body: body(nowMs),
      packing,
      isChunked: fc.boolean(),
    })
    .map(({ method, path, key, type, body: text, packing: how, isChunked }) => {
      const packed = pack(Buffer.from(text), how);
      const headers = [
        `${method} ${path} HTTP/1.1`,
        "Host: edge",
        ...(key === null ? [] : [`Authorization: Bearer ${key}`]),
        ...(type === "" ? [] : [`Content-Type: ${type}`]),
        ...(how.encoding === "identity" ? [] : [`Content-Encoding: ${how.encoding}`]),
        isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${packed.length}`,
      ];
      const head = Buffer.from(`${headers.join("\r\n")}\r\n\r\n`);
      const bytes = Buffer.concat([head, isChunked ? inChunks(packed) : packed]);
      // A failure shows what was sent, not a megabyte of numbers.
      const shown = () => JSON.stringify(bytes.subarray(0, SHOWN_BYTES_MAX).toString("latin1"));
      const eventsMax = Buffer.from(text)
        .toString("latin1")
        .split(/[,\n\r]/).length;
      return { method, path, key, bytes, eventsMax, [fc.toStringMethod]: shown };
    });
}

function inChunks(bytes: Buffer): Buffer {
  const middle = bytes.length >> 1;
  const chunks = [bytes.subarray(0, middle), bytes.subarray(middle)].filter(({ length }) => length);
  const framed = chunks.flatMap((chunk) => [`${chunk.length.toString(16)}\r\n`, chunk, "\r\n"]);
  return Buffer.concat([...framed, "0\r\n\r\n"].map((part) => Buffer.from(part)));
}
