import { hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { expect, it } from "vitest";
import { recordRows } from "../domain/stretch.ts";
import { block, NOON_MS, storedEvent } from "../testing/storedEvents.ts";
import { createParquetEncoder } from "./parquetEncoder.ts";

const event = storedEvent({ event_id: "evt-0001", conversion_value_micros: 12, ext: { a: "é" } });
const rows = recordRows(3, {
  offset: 9_007_199_254_740_993n,
  appendTimeMs: NOON_MS + 1,
  value: block([event, "no json"]),
});

/** A reader that is neither ours nor the engine's: the archive must outlive both. */
async function read(bytes: Uint8Array) {
  const file = bytes.slice().buffer;
  const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };
  return parquetReadObjects({ file, compressors, utf8: false });
}

it("writes files that any reader of Parquet understands, with typed columns", async () => {
  const [first, second] = await read(createParquetEncoder().encode(rows));
  expect(first).toMatchObject({
    partition: 3,
    offset: 9_007_199_254_740_993n,
    index: 0,
    append_time: new Date(NOON_MS + 1),
    unparseable: false,
    event_id: "evt-0001",
    event_time: new Date(NOON_MS),
    conversion_value_micros: 12n,
    ext: '{"a":"é"}',
    flags: "token_absent",
  });
  expect(first?.["test"] ?? null).toBeNull();
  expect(Buffer.from(first?.["event_id128"]).toString("hex")).toBe(
    hash("sha256", "evt-0001").slice(0, 32),
  );
  expect(Buffer.from(first?.["line"]).toString()).toBe(JSON.stringify(event));
  expect(second).toMatchObject({ index: 1, unparseable: true });
  expect(Buffer.from(second?.["line"]).toString()).toBe("no json");
});

// A retry must find its own object, not another one under the same name.
it("makes the same bytes of the same rows", () => {
  const { encode } = createParquetEncoder();
  expect(Buffer.from(encode(rows)).equals(encode(rows))).toBe(true);
});
