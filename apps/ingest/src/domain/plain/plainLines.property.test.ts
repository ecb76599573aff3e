import { createHash, createHmac } from "node:crypto";
import { partitionOf, partitionOfBytes } from "@trueclick/event-log/partition";
import {
  EVENT_AGE_MAX_MS,
  EVENT_AHEAD_MAX_MS,
  parseEnvelope,
} from "@trueclick/shared/event/envelope";
import { sourceIdSchema } from "@trueclick/shared/ids";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { click } from "../../testing/click.ts";
import { clickClaims } from "../../testing/clickToken.ts";
import { mutated } from "../../testing/mutatedBytes.ts";
import type { VerifyToken } from "../clickTokens.ts";
import { createIpReader } from "../ipFacts.ts";
import { NOT_JSON, skipValue } from "../jsonScan.ts";
import { parseEvent } from "../splitBody.ts";
import { toStoredEvent } from "../stamp.ts";
import { LineBuffer } from "./lineBuffer.ts";
import { PlainLines, type PlainLinesContext } from "./plainLines.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const PARTITIONS = 7;
const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");
const BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)";

/** Tokens by their first word; claims that agree with `click()`. */
const verifyTokens: VerifyToken = (token) => {
  const claims = clickClaims(NOW_MS);
  if (token.startsWith("good")) return { kind: "ok", claims };
  return token.startsWith("old") ? { kind: "expired", claims } : { kind: "bad" };
};

function contextOf(speaksForUsers: boolean, requireToken: boolean): PlainLinesContext {
  const readUserAgent = (userAgent: string) => ({
    device: userAgent.includes("iPhone") ? ("mobile" as const) : ("desktop" as const),
    isBot: userAgent.includes("bot"),
  });
  return {
    source: { id: sourceIdSchema.parse("src_1"), speaksForUsers, requireToken },
    connection: { ip: "2001:db8::1", userAgent: 'Mozilla "5.0" é', isPrefetch: requireToken },
    region: "eu",
    ingestTimeMs: NOW_MS,
    verifyToken: verifyTokens,
    readUserAgent,
    recallUserAgent: (userAgent) =>
      userAgent.includes("new") ? undefined : readUserAgent(userAgent),
    readIp: createIpReader({
      hashIp: (ip) => createHmac("sha256", "key").update(ip).digest("hex"),
      isDatacenterIp: (ip) => ((ip.at(-1) ?? 0) & 1) === 1,
    }),
    partitionCount: PARTITIONS,
    partitionOfBytes,
  };
}

const CONTEXTS = [
  ...[contextOf(true, false), contextOf(false, false), contextOf(true, true)],
  // Without keys tokens are kept and not judged.
  { ...contextOf(false, true), verifyToken: null },
];

/** The long way, which decides; null when it refuses. */
function byLongWay(bytes: Uint8Array, context: PlainLinesContext) {
  const parsed = parseEvent(bytes);
  if (!parsed.ok) return null;
  const { ingestTimeMs, source } = context;
  const result = parseEnvelope(parsed.value, { ingestTimeMs, sourceId: source.id, sha256Hex });
  if (!result.ok) return null;
  const stored = toStoredEvent(result.event, context);
  return { line: JSON.stringify(stored), eventId: stored.event_id };
}

/** One for all, as in the edge: what it keeps of one request must do no harm to the next. */
const buffer = new LineBuffer();

/** Takes one event as it stands; null when it is not to be taken so. */
function asItStands(bytes: Uint8Array, context: PlainLinesContext) {
  buffer.load(bytes);
  const plain = new PlainLines(buffer, context);
  const end = plain.scan(0, bytes.length);
  if (end === NOT_JSON) return null;
  plain.keep();
  const [line] = plain.lines;
  if (line === undefined) throw new Error("Nothing was written");
  const text = buffer.bytes.toString("utf8", line.start, line.end);
  return { end, line: text, partition: line.partition };
}

const text = (lengthMax: number) =>
  fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom("", "a", "a b", "ü", "a\u0000", "\ud83d", '"', "\\", "\u007f", "😀"),
    fc.constantFrom(lengthMax - 1, lengthMax, lengthMax + 1).map((length) => "x".repeat(length)),
  );
const odd = fc.constantFrom<unknown>(null, "", 0, -0, 1, "1", true, false, 1.5, [], {}, [1], 1e21);
const or = (value: fc.Arbitrary<unknown>) => fc.oneof({ weight: 9, arbitrary: value }, odd);
const time = fc.oneof(
  fc.integer({ min: -1_000, max: 1_000 }).map((ms) => NOW_MS + ms),
  fc.constantFrom(
    ...[NOW_MS - EVENT_AGE_MAX_MS, NOW_MS - EVENT_AGE_MAX_MS - 1, NOW_MS + EVENT_AHEAD_MAX_MS],
    ...[NOW_MS + EVENT_AHEAD_MAX_MS + 1, 2 ** 53, -5, NOW_MS / 1_000],
  ),
  fc.integer({ min: -90_000, max: 90_000 }).map((ms) => new Date(NOW_MS + ms).toISOString()),
  fc.constantFrom(
    ...["2026-06-01T12:00Z", "2026-06-01T12:00:07Z", "2026-06-01T12:00:07.5Z", "2026-06-01"],
    ...[
      "2026-06-01T12:00:07.123456789Z",
      "2026-06-01T12:00:07.1234567890Z",
      "2026-05-32T12:00:00Z",
    ],
    ...["2026-06-01T14:00:00+02:00", "2026-06-01t12:00:00z", "2026-06-01T12:00:60Z"],
    ...["2026-06-01T12:00:0aZ", "2026-06-01T12:00:07.Z", "2026-06-01T12:00:07.1a3Z"],
  ),
);
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, -0, 0.1, 1.25, 1e-7, 123456.789, 99999999999999, 0.30000000000000004),
);
const plainValue = fc.oneof(text(20), number, fc.boolean(), fc.constant(null), fc.jsonValue());
const extName = fc.constantFrom("hue", "a b", "12", "x9", "__proto__", "toString", "é", "geo2", "");

/** Every field as it should be, and as it should not. */
const fieldsOf = {
  schema_version: or(fc.constantFrom(1, 2, 10)),
  event_type: or(fc.constantFrom("click", "click", "impression", "conversion", "view", "Click")),
  event_id: or(fc.constantFrom("evt_0001", "a".repeat(64), "a".repeat(65), "short", "sp ace_1234")),
  event_time: or(time),
  click_time: or(time),
  campaign_id: or(fc.oneof(fc.constant("cmp_1"), text(64))),
  ad_id: or(fc.oneof(fc.constant("ad_1"), text(64))),
  publisher_id: or(fc.oneof(fc.constant("pub_1"), text(64))),
  user_id: or(text(128)),
  geo: or(fc.constantFrom("NL", "US", "ZZ", "zz", "nl", "UK", "N", "NLD", "\u00df\u00df")),
  device: or(fc.constantFrom("mobile", "tv", "other", "Mobile", "fridge", "IOS", "ios")),
  ip: or(fc.oneof(fc.constantFrom("203.0.113.9", "2001:db8::2", "nonsense"), text(64))),
  user_agent: or(fc.oneof(fc.constantFrom("iPhone", BOT, "a new one"), text(1_024))),
  impression_id: or(fc.oneof(fc.constantFrom("imp_00000001", "imp_2"), text(128))),
  click_id: or(text(128)),
  conversion_value_micros: or(number),
  token: or(fc.oneof(fc.constantFrom("good", "old", "forged"), text(4_096))),
  test: or(fc.boolean()),
  ext: or(fc.dictionary(extName, plainValue, { maxKeys: 3 })),
};
const change = fc.record(fieldsOf, { requiredKeys: [] });

/** Names and values in some order, with white space, some names twice. */
const eventText = fc
  .record({
    change: fc.oneof(fc.constant({}), change),
    kept: fc.subarray(Object.keys(fieldsOf), { maxLength: 4 }),
    ext: fc.dictionary(extName, plainValue, { maxKeys: 3 }),
    seed: fc.integer(),
    space: fc.constantFrom("", "", " ", "\n\t"),
    twice: fc.boolean(),
  })
  .map(({ change: changed, kept, ext, seed, space, twice }) => {
    // Few changes at a time: of many, one is wrong most often, and the rest goes unseen.
    const few = Object.fromEntries(Object.entries(changed).filter(([name]) => kept.includes(name)));
    const base: [string, unknown][] = Object.entries({ ...click(NOW_MS), ...few });
    const all = shuffled([...base, ...Object.entries(ext)], seed);
    if (twice && seed % 5 === 0) all.push(...all.slice(0, 1));
    const comma = `${space},${space}`;
    const fields = all.map(([name, value]) => {
      const json = Object.is(value, -0) ? "-0" : JSON.stringify(value);
      return `${JSON.stringify(name)}${space}:${space}${json}`;
    });
    return Buffer.from(`{${space}${fields.join(comma)}${space}}`);
  });

/** In an order that the seed tells; 0 leaves them as they are. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  if (seed % 3 === 0) return [...items];
  const weight = (index: number) => Math.imul(index + 1, seed | 1) >>> 7;
  return items
    .map((item, index) => ({ item, weight: weight(index) }))
    .sort((left, right) => left.weight - right.weight)
    .map(({ item }) => item);
}

describe("PlainLines", () => {
  // Where the two differ, the same event means two things, by how its sender happens to write it.
  it("takes only what the long way accepts, and writes the same bytes", () => {
    const seen = { taken: 0, longWay: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.oneof({ weight: 3, arbitrary: eventText }, mutated(eventText)),
        fc.constantFrom(...CONTEXTS),
        fc.constantFrom(0, 0, 1, 999, -NOW_MS + 1e12 - 1),
        (bytes, ofSource, laterMs) => {
          const context = { ...ofSource, ingestTimeMs: NOW_MS + laterMs };
          const taken = asItStands(bytes, context);
          if (taken === null) {
            seen[byLongWay(bytes, context) === null ? "refused" : "longWay"] += 1;
            return;
          }
          seen.taken += 1;
          const event = bytes.subarray(0, taken.end);
          expect(taken.end).toBe(skipValue(bytes, 0));
          const expected = byLongWay(event, context);
          expect(taken.line, event.toString()).toBe(expected?.line);
          expect(taken.partition).toBe(partitionOf(expected?.eventId ?? "", PARTITIONS));
        },
      ),
      { numRuns: 4_000 },
    );
    // A generator of only one kind would prove nothing.
    expect(Math.min(seen.taken, seen.longWay, seen.refused)).toBeGreaterThan(400);
  });

  // What is kept from one event of a request to the next must do no harm either.
  it("writes every event of a request as if it were alone", () => {
    const token = fc.constantFrom(undefined, "good", "old", "forged");
    const type = fc.constantFrom("click", "impression");
    const agent = fc.constantFrom("iPhone", BOT);
    const ip = fc.constantFrom("203.0.113.8", "203.0.113.9");
    const sent = fc.record({ event_type: type, token, user_agent: agent, ip });
    fc.assert(
      fc.property(
        fc.array(sent, { minLength: 2 }),
        fc.constantFrom(...CONTEXTS),
        (all, context) => {
          const events = all.map((event) => Buffer.from(JSON.stringify(click(NOW_MS, event))));
          buffer.load(Buffer.concat(events));
          const plain = new PlainLines(buffer, context);
          let start = 0;
          for (const event of events) {
            expect(plain.scan(start, start + event.length)).toBe(start + event.length);
            plain.keep();
            start += event.length;
          }
          const lines = plain.lines.map((line) =>
            buffer.bytes.toString("utf8", line.start, line.end),
          );
          expect(lines).toEqual(events.map((event) => byLongWay(event, context)?.line));
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ["as an SDK sends it", JSON.stringify(click(NOW_MS))],
    ["spaced as Python does", JSON.stringify(click(NOW_MS), null, 1).replaceAll("\n", "")],
    ["with fields that nobody knows", JSON.stringify(click(NOW_MS, { hue: 1.25, a: { b: 1 } }))],
    ["with an ext of its own", JSON.stringify(click(NOW_MS, { ext: { ref: "x", n: null } }))],
    ["with blanks of a template", JSON.stringify(click(NOW_MS, { user_id: "", geo: null }))],
    [
      "with the alias of its time",
      JSON.stringify({ ...click(NOW_MS), event_time: undefined, click_time: NOW_MS }),
    ],
  ])("takes what is common: %s", (_what, json) => {
    const bytes = Buffer.from(json.replace('"a":{"b":1}', '"a":true'));
    for (const context of CONTEXTS) {
      expect(asItStands(bytes, context)?.line).toBe(byLongWay(bytes, context)?.line);
      expect(asItStands(bytes, context)).not.toBeNull();
    }
  });

  it("leaves events that end past their line, or are too large, to the long way", () => {
    const bytes = Buffer.from(JSON.stringify(click(NOW_MS)));
    const buffer = new LineBuffer();
    buffer.load(bytes);
    const [context] = CONTEXTS;
    if (context === undefined) throw new Error("No context");
    expect(new PlainLines(buffer, context).scan(0, bytes.length - 1)).toBe(NOT_JSON);
    const large = Buffer.from(`${bytes.toString().slice(0, -1)},${" ".repeat(8_192)}"a":1}`);
    expect(asItStands(large, context)).toBeNull();
  });
});
