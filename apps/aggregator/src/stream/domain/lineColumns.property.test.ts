import { EVENT_FLAGS } from "@trueclick/shared/event/stored";
import fc from "fast-check";
import { expect, it } from "vitest";
import { blockOf, HASH_KEY, storedClick } from "../testing/fixtures.ts";
import { storedLine } from "../testing/storedLineArbitrary.ts";
import { BlockReader } from "./blockReader.ts";
import { EventGroup } from "./eventGroup.ts";
import { HashedText } from "./hashedText.ts";
import { GROUP_LINES } from "./lineColumnsLayout.ts";
import { ALL_FIELDS, LineScanner } from "./lineScanner.ts";
import { LineShapes, SHAPES_MAX } from "./lineShapes.ts";
import { IdHash, SpanHash } from "./spanHash.ts";
import { parseStreamEvent, type StreamEvent } from "./streamEvent.ts";

const encoder = new TextEncoder();
const spanHash = new SpanHash(HASH_KEY);
const idHash = new IdHash(HASH_KEY);

/** What is looked for of a name: hash, length and head. */
function hashed(text: string): number[] {
  const bytes = encoder.encode(text);
  const read = new HashedText();
  spanHash.read(read, new DataView(bytes.buffer), 0, bytes.length);
  return [read.hash, read.length, read.word0, read.word1, read.word2, read.word3];
}

function idWords(text: string): number[] {
  const bytes = encoder.encode(text);
  idHash.hash(new DataView(bytes.buffer), 0, bytes.length);
  return [idHash.word0, idHash.word1, idHash.word2, idHash.word3];
}

/** An event with all that is hashed of it. */
type Hashed = StreamEvent & { readonly names: number[][]; readonly id: number[] };

function withHashes(event: StreamEvent): Hashed {
  const { campaignId, adId, publisherId, userId, geo, device, eventId } = event;
  const names = [campaignId, adId, publisherId, userId, geo, device];
  return { ...event, names: names.map(hashed), id: idWords(eventId) };
}

/** All events of a block, in groups; null for a line that is none. */
function readInGroups(block: Uint8Array, shapes: LineShapes): (Hashed | null)[] {
  const reader = new BlockReader(new LineScanner(ALL_FIELDS, shapes));
  const group = new EventGroup(HASH_KEY);
  const events: (Hashed | null)[] = [];
  reader.open(block);
  while (!reader.isAtEnd) {
    group.read(reader, GROUP_LINES);
    for (let at = 0; at < group.size; at += 1) {
      const { isEvent, spans, hashes } = group.at(at);
      const { campaign, ad, publisher, user, geo, device } = hashes;
      const names = [campaign, ad, publisher, user, geo, device].map((text) => {
        return [text.hash, text.length, text.word0, text.word1, text.word2, text.word3];
      });
      const id = [...group.ids.words.subarray(4 * at, 4 * at + 4)];
      events.push(isEvent ? { ...spans.toEvent(), names, id } : null);
    }
  }
  return events;
}

function expected(line: string): Hashed | null {
  const event = parseStreamEvent(encoder.encode(line));
  if (event === null) return null;
  const { campaignId, adId, publisherId, userId, geo } = event;
  return withHashes({
    ...event,
    campaignId: campaignId.toWellFormed(),
    adId: adId.toWellFormed(),
    publisherId: publisherId.toWellFormed(),
    userId: userId.toWellFormed(),
    geo: geo.toWellFormed(),
  });
}

/** A line as nearly all are, with values at their limits, so that one shape has many of them. */
const usual = fc
  .record({
    id: fc.stringMatching(/^[A-Za-z0-9_.:-]{8,64}$/),
    name: fc.stringMatching(/^[ !#-[\]-~]{0,64}$/),
    user: fc.stringMatching(/^[ !#-[\]-~]{0,128}$/),
    type: fc.constantFrom("click", "impression", "conversion"),
    device: fc.constantFrom("desktop", "mobile", "tablet", "tv", "other"),
    timeMs: fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }),
    flags: fc.constantFrom([], [], ["token_ok"], ["prefetch", "bot_user_agent"]),
    hasUser: fc.boolean(),
  })
  .map(({ id, name, user, type, device, timeMs, flags, hasUser }) => {
    const { user_id, ...click } = storedClick();
    return JSON.stringify({
      ...{ ...click, event_id: id, campaign_id: name, ad_id: name.slice(1), geo: "NP" },
      ...{ event_type: type, device, event_time: timeMs, ingest_time: timeMs + 1, flags },
      ...(hasUser ? { user_id: user } : {}),
    });
  });

/** The same with a character exchanged, put in or taken out. */
const nearlyUsual = fc
  .tuple(usual, fc.nat(), fc.nat({ max: 2 }), fc.constantFrom(...'",:{}[]0a \\\r~é', ""))
  .map(([line, place, removed, put]) => {
    const at = place % line.length;
    return line.slice(0, at) + put + line.slice(at + removed);
  });

// A group reads ahead what the engine then counts: were it to differ from one line by itself, what an
// event counts as would depend on its neighbours.
it("reads a block in groups as each of its lines is read alone, whatever stands beside it", () => {
  const line = fc.oneof({ weight: 6, arbitrary: usual }, nearlyUsual, storedLine);
  const blocks = fc.array(fc.array(line, { maxLength: 2 * GROUP_LINES }), { maxLength: 3 });
  fc.assert(
    fc.property(blocks, (all) => {
      const shapes = new LineShapes();
      for (const lines of all) {
        const single = lines.map((text) => text.replaceAll("\n", " "));
        const right = single
          .map((text) => text.replace(/\r$/, ""))
          .filter((text) => text !== "")
          .map(expected);
        expect(readInGroups(encoder.encode(single.join("\n")), shapes)).toEqual(right);
      }
    }),
    { numRuns: 300 },
  );
});

it("believes nothing of a value that it would not believe of a line by itself", () => {
  const line = JSON.stringify(storedClick());
  const values: readonly (readonly [string, readonly string[]])[] = [
    ['"schema_version":1', ["0", "2", "12", "-1", "a", ""].map((of) => `"schema_version":${of}`)],
    ['"click"', ['"impression"', '"clack"', '"clickk"', '"clic"', '""', '"conversion"']],
    ['"mobile"', ['"tv"', '"mobil"', '"mobiles"', '"other"', '""', '"desktop"']],
    ['"evt-00000001"', ['"evt-000"', '"evt-0000"', '"evt 0000001"', `"${"e".repeat(64)}"`]],
    ['"evt-00000001"', [`"${"e".repeat(65)}"`, '"evt-0000000/"', `"${"e".repeat(300)}"`, '""']],
    ['"geo":"DE"', ['"geo":"D"', '"geo":"DEU"', '"geo":""', '"geo":"NP"']],
    ['"campaign_id":"cmp_1"', [64, 65, 321].map((of) => `"campaign_id":"${"c".repeat(of)}"`)],
    ['"user_id":"usr_1"', [17, 128, 129, 385].map((of) => `"user_id":"${"u".repeat(of)}"`)],
    [
      '"source_id":"src_1"',
      ["", "s".repeat(64), "s".repeat(65)].map((of) => `"source_id":"${of}"`),
    ],
    ...["event_time", "ingest_time"].map((name) => {
      const [field] = line.match(new RegExp(`"${name}":\\d+`)) ?? [""];
      const digits = ["0000000000001", "1772445600a00", "177244560000", "17724456000000", "1"];
      const marks = [
        "-177244560000",
        "1772445.60000",
        "9999999999999",
        "1000000000000",
        ":::::::::::::",
      ];
      return [field, [...digits, ...marks].map((of) => `"${name}":${of}`)] as const;
    }),
    [
      '["token_absent"]',
      [
        "[]",
        " []",
        "[ ]",
        "[  ]",
        ' ["prefetch"]',
        '["prefetch"]',
        '["no_such"]',
        "[1]",
        "{}",
        "[[]",
        '["prefetch",]',
      ],
    ],
  ];
  const shapes = new LineShapes();
  const changed = values.flatMap(([from, all]) => all.map((to) => line.replace(from, to)));
  // The line itself first: of its shape are all that follow.
  const lines = [line, ...changed.flatMap((text) => [text, line])];
  const read = readInGroups(blockOf(lines), shapes);
  for (const [at, text] of lines.entries())
    expect([text, read[at]]).toEqual([text, expected(text)]);
});

it.each([
  ["flags", {}],
  ["a text", { token: "t" }],
  ["a word", { device: "tv" }],
  ["a number", { event_time: 1_772_445_600_000 }],
])("takes nothing for the end of a line that ends with %s but its brace", (_what, last) => {
  const { device, event_time, flags, ...others } = storedClick();
  const rest = { device, event_time, flags };
  for (const key of Object.keys(last)) Reflect.deleteProperty(rest, key);
  const line = JSON.stringify({ ...others, ...rest, ...last });
  const value = line.slice(0, -1);
  const damaged = [`x${line}`, ` ${line}`, `{${line}`, `${line}x`, `${line}}`, `${line} `];
  const cut = ["", "]", "x", "1}", "x}", " }", ",}", '"}'].map((end) => value + end);
  // As many special bytes as before, the last of which is no quote.
  const unquoted = ["\r}", "\t}", "\\}", "\u007f}"].map((end) => value.slice(0, -1) + end);
  const lines = [line, ...[...damaged, ...cut, ...unquoted].flatMap((text) => [text, line])];
  const read = readInGroups(blockOf(lines), new LineShapes());
  for (const [at, text] of lines.entries())
    expect([text, read[at]]).toEqual([text, expected(text)]);
});

it("leaves to others what few lines have, and keeps none of it for those that have not", () => {
  const usualLine = JSON.stringify(storedClick());
  const rare = [
    ...['"test":true', '"test":false', '"test":"x"', '"ext":{}', '"ext":1', '"ext":{"a":[1]}'],
    ...["1", "1234567890123", "123456789012a", "a234567890123", "-1", "1.5"].map((value) => {
      return `"conversion_value_micros":${value}`;
    }),
  ].map((field) => usualLine.replace('"region"', `${field},"region"`));
  const shapes = new LineShapes();
  for (const line of rare) {
    const lines = Array.from({ length: 3 * GROUP_LINES }, () => line);
    expect(readInGroups(blockOf(lines), shapes)).toEqual(lines.map(expected));
  }
  const lines = rare.flatMap((line) => {
    return Array.from({ length: 2 * GROUP_LINES }, (_none, at) => {
      return at < GROUP_LINES ? line : usualLine;
    });
  });
  expect(readInGroups(blockOf(lines), shapes)).toEqual(lines.map(expected));
});

// Slots are few: what a line of the former shape is asked must not be what the new one is.
it("forgets a shape whose place another has taken", () => {
  const { geo, ...others } = storedClick();
  const place = { geo, ...others };
  // Each has its own count of special bytes: two more for a flag, four for a text.
  const shapes = Array.from({ length: SHAPES_MAX }, (_none, at) => {
    const texts = Math.max(0, Math.ceil((at + 2 - EVENT_FLAGS.length) / 2));
    const names = ["user_agent", "ip_hash", "ip_net", "token"].slice(0, texts);
    const flags = EVENT_FLAGS.slice(0, at + 2 - 2 * texts);
    return JSON.stringify({ ...place, ...Object.fromEntries(names.map((of) => [of, "x"])), flags });
  });
  // It takes the place of the first, and with another field has as many as that.
  const last = JSON.stringify({ ...place, flags: [] });
  const twice = last.replace(/}$/, ',"geo":"FR"}');
  const lines = [...shapes, ...Array.from({ length: 40 }, () => last), twice, last, twice];
  const read = readInGroups(blockOf(lines), new LineShapes());
  for (const [at, text] of lines.entries())
    expect([text, read[at]]).toEqual([text, expected(text)]);
});
