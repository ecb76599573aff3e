import { zstdDecompressSync } from "node:zlib";
import { DEVICES, EVENT_FLAGS, EVENT_TYPES } from "@trueclick/shared/event/stored";
import { HOUR_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { expect, it } from "vitest";
import type { EncoderStretch } from "../domain/encoderStretch.ts";
import type { EncodedHour } from "../objectEncoder.ts";
import { expectedRows } from "../testing/expectedRows.ts";
import { NOON_MS, storedEvent } from "../testing/storedEvents.ts";
import { StretchEncoder } from "./stretchEncoder.ts";
import { createWorkerEncoder } from "./workerEncoder.ts";

/** A reader that is neither ours nor the engine's: the archive must outlive both. */
async function readRows({ bytes }: EncodedHour) {
  // Not of a pool: the reader takes the whole buffer for the file.
  const file = new Uint8Array(bytes).buffer;
  const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };
  const rows = await parquetReadObjects({ file, compressors, utf8: false });
  return rows.map((row) => ({
    ...Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? null])),
    event_id128: row["event_id128"] && Buffer.from(row["event_id128"]).toString("hex"),
    line: Buffer.from(row["line"]).toString("latin1"),
  }));
}

async function expectRead(stretch: EncoderStretch, hours: readonly EncodedHour[]) {
  const read = [];
  for (const hour of hours) {
    const rows = await readRows(hour);
    expect(rows).toHaveLength(hour.rows);
    read.push({ eventHourMs: hour.eventHourMs, rows });
  }
  expect(read).toEqual(expectedRows(stretch));
}

const short = fc.string({ maxLength: 70 });
const unicode = fc.string({ unit: "grapheme", maxLength: 30 });
const idLike = fc.stringMatching(/^[A-Za-z0-9_.:-]{8,64}$/);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Good events, and ones that miss the schema by little, in every field. */
const event = fc.record({
  schema_version: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.integer(), fc.double()),
  event_type: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...EVENT_TYPES) }, short),
  event_id: fc.oneof({ weight: 9, arbitrary: idLike }, short),
  event_time: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: NOON_MS - 3 * HOUR_MS, max: NOON_MS }) },
    fc.maxSafeInteger(),
  ),
  ingest_time: fc.oneof({ weight: 9, arbitrary: fc.constant(NOON_MS) }, fc.maxSafeInteger()),
  campaign_id: optional(fc.oneof(fc.constantFrom("cmp_1", "cmp_2"), short)),
  ad_id: optional(short),
  user_id: optional(fc.oneof(fc.constant("user_1"), fc.string({ maxLength: 130 }))),
  geo: fc.oneof({ weight: 9, arbitrary: fc.constantFrom("DE", "NP") }, unicode),
  device: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...DEVICES) }, short),
  user_agent: optional(fc.oneof(fc.constant("Mozilla/5.0 (X11)"), unicode)),
  conversion_value_micros: optional(fc.oneof(fc.maxSafeInteger(), fc.double())),
  token: optional(short),
  test: optional(fc.boolean()),
  region: short,
  source_id: fc.oneof({ weight: 9, arbitrary: fc.constant("src_1") }, short),
  flags: fc.array(fc.oneof({ weight: 19, arbitrary: fc.constantFrom(...EVENT_FLAGS) }, short), {
    maxLength: 3,
  }),
  ext: optional(fc.oneof(fc.dictionary(short, fc.jsonValue()), fc.jsonValue())),
});

/** As the edge writes it, and as a foreign producer may. */
const line = fc.oneof(
  { weight: 8, arbitrary: event.map((fields) => JSON.stringify(fields)) },
  event.map((fields) => JSON.stringify(fields, null, 1).replaceAll("\n", " ")),
  fc.tuple(event, fc.nat()).map(([fields, at]) => {
    const text = JSON.stringify(fields);
    return text.slice(0, at % text.length);
  }),
  event.map((fields) => JSON.stringify(fields).replace("{", '{"geo":"FR",')),
  event.map((fields) => JSON.stringify({ unknown: [1], ...fields })),
  event.map((fields) => JSON.stringify(fields).replace(/"flags":\[/, '"flags":[ ')),
  short,
);

const stretch = fc
  .record({
    partition: fc.nat({ max: 63 }),
    firstOffset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    blocks: fc.array(
      fc.record({
        gap: fc.nat({ max: 3 }),
        lines: fc.array(line, { maxLength: 12 }),
        end: fc.constantFrom("\n", "\r\n"),
      }),
      { maxLength: 8 },
    ),
  })
  .map(({ partition, firstOffset, blocks }): EncoderStretch => {
    let offset = firstOffset;
    const records = blocks.map(({ gap, lines, end }) => {
      offset += BigInt(gap) + 1n;
      const value = Buffer.from(lines.join(end));
      return { offset, appendTimeMs: NOON_MS + 1, value };
    });
    return { partition, firstOffset, records };
  });

// The scanner is there to be fast. What it makes of any line must be what the schema says.
it("holds every line with what JSON.parse and the schema say of it, under its event hour", async () => {
  const encoder = new StretchEncoder();
  await fc.assert(
    fc.asyncProperty(stretch, async (one) => expectRead(one, encoder.encode(one))),
    { numRuns: 100 },
  );
});

/** Enough rows for several row groups, many values, few values, and a column of nulls. */
function longStretch(events: number): EncoderStretch {
  const lines = Array.from({ length: events }, (_, at) =>
    JSON.stringify(
      storedEvent({
        event_id: `evt-${String(at * 7_919).padStart(9, "0")}`,
        event_time: NOON_MS + (at % 3_000_000),
        user_id: `user_${at % 20_000}`,
        campaign_id: `cmp_${at % 3}`,
        user_agent: at % 5 === 0 ? `agent ${at}` : "Mozilla/5.0 (X11; Linux x86_64)",
      }),
    ),
  );
  const records = Array.from({ length: Math.ceil(events / 500) }, (_, at) => ({
    offset: BigInt(at * 2),
    appendTimeMs: NOON_MS + at,
    value: Buffer.from(lines.slice(at * 500, (at + 1) * 500).join("\n")),
  }));
  return { partition: 3, firstOffset: 0n, records };
}

it("keeps more rows than one row group has, of many different values and of few", async () => {
  const long = longStretch(2_500);
  await expectRead(long, new StretchEncoder(1_000).encode(long));
});

// A retry must find its own object, not another one under the same name.
it("makes the same bytes of the same stretch, whatever it made before, in a thread as here", async () => {
  const small = longStretch(1_000);
  const encoder = new StretchEncoder();
  const [first] = encoder.encode(small);
  encoder.encode(longStretch(3_000));
  const [again] = encoder.encode(small);
  const worker = createWorkerEncoder();
  const [elsewhere] = await worker.encode(small);
  await worker.close();
  expect(again?.sha256).toBe(first?.sha256);
  expect(elsewhere?.sha256).toBe(first?.sha256);
  expect(Buffer.from(elsewhere?.bytes ?? []).equals(first?.bytes ?? Buffer.alloc(0))).toBe(true);
});

it("rejects what a thread was encoding that ends, and encodes again in another", async () => {
  const worker = createWorkerEncoder();
  const encoding = worker.encode(longStretch(20_000));
  await Promise.all([expect(encoding).rejects.toThrow("thread ended"), worker.close()]);
  expect(await worker.encode(longStretch(10))).toHaveLength(1);
  await worker.close();
});

// A compaction must not change a value, and must not find other ones in the lines either.
it("makes of several objects the object that one stretch of all their records would be", async () => {
  const { partition, records } = longStretch(2_000);
  const encoder = new StretchEncoder();
  const whole = encoder.encode({ partition, firstOffset: 0n, records });
  const parts = [records.slice(0, 1), records.slice(1, 3), records.slice(3)].map((some) => {
    return encoder.encode({ partition, firstOffset: some[0]?.offset ?? 0n, records: some });
  });
  const objects = parts.flatMap((hours) => hours.map(({ bytes }) => new Uint8Array(bytes)));
  const worker = createWorkerEncoder();
  const merged = await worker.merge(0n, objects);
  await expect(worker.merge(0n, [Buffer.from("no object")])).rejects.toThrow("thread failed");
  await worker.close();
  expect(merged.rows).toBe(2_000);
  expect(Buffer.from(merged.bytes).equals(whole[0]?.bytes ?? Buffer.alloc(0))).toBe(true);
});
