import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type EnvelopeContext,
  EVENT_AGE_MAX_MS,
  EVENT_AHEAD_MAX_MS,
  parseEnvelope,
} from "./envelope.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");
const context: EnvelopeContext = { ingestTimeMs: NOW_MS, sourceId: "src_1", sha256Hex };

const click = {
  schema_version: 1,
  event_type: "click",
  event_id: "evt_00000001",
  event_time: NOW_MS,
  campaign_id: "cmp_1",
  ad_id: "ad_1",
  publisher_id: "pub_1",
};

function accepted(value: unknown) {
  const result = parseEnvelope(value, context);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.event;
}

const outcome = (value: unknown) => {
  const result = parseEnvelope(value, context);
  return result.ok ? "ok" : result.code;
};

describe("parseEnvelope", () => {
  it.each([
    ["the oldest that is taken", { event_time: NOW_MS - EVENT_AGE_MAX_MS }, "ok"],
    ["one millisecond older", { event_time: NOW_MS - EVENT_AGE_MAX_MS - 1 }, "too_old"],
    ["the furthest ahead that is taken", { event_time: NOW_MS + EVENT_AHEAD_MAX_MS }, "ok"],
    ["a millisecond further", { event_time: NOW_MS + EVENT_AHEAD_MAX_MS + 1 }, "in_future"],
    ["epoch seconds, which are long ago", { event_time: NOW_MS / 1_000 }, "too_old"],
    ["a time without a zone", { event_time: "2026-06-01T12:00:00" }, "invalid_field"],
    ["no time at all", { event_time: null }, "missing_field"],
    ["an id of 8", { event_id: "a".repeat(8) }, "ok"],
    ["an id of 7", { event_id: "a".repeat(7) }, "invalid_field"],
    ["an id of 64", { event_id: "a".repeat(64) }, "ok"],
    ["an id of 65", { event_id: "a".repeat(65) }, "invalid_field"],
    ["an id with a line break at its end", { event_id: "evt_00000001\n" }, "invalid_field"],
    ["neither id", { event_id: undefined }, "missing_field"],
    ["a click of no campaign", { campaign_id: "" }, "missing_field"],
    ["a click of no ad", { ad_id: null }, "missing_field"],
    ["a click of no publisher", { publisher_id: undefined }, "missing_field"],
    ["a campaign as a number", { campaign_id: 7 }, "invalid_field"],
    ["a campaign of 65", { campaign_id: "c".repeat(65) }, "invalid_field"],
    ["an impression of no campaign", { event_type: "impression", campaign_id: null }, "ok"],
    ["another type", { event_type: "view" }, "invalid_field"],
    ["no type", { event_type: undefined }, "missing_field"],
    ["a type that is a property of objects", { event_type: "constructor" }, "invalid_field"],
    ["version 0", { schema_version: 0 }, "invalid_field"],
    ["a version to come", { schema_version: 9, new_field: [1] }, "ok"],
    ["test traffic as a word", { test: "true" }, "invalid_field"],
    ["an amount with a fraction", { conversion_value_micros: 0.5 }, "invalid_field"],
    ["an amount past 2^53", { conversion_value_micros: 2 ** 53 }, "invalid_field"],
    ["half a surrogate pair", { user_id: "\ud83d" }, "invalid_string"],
    ["NUL in a name", { "a\0": 1 }, "invalid_string"],
    ["a number past a double, deep down", { a: [{ b: JSON.parse("1e400") }] }, "invalid_field"],
  ])("judges %s", (_what, change, expected) => {
    expect(outcome({ ...click, ...change })).toBe(expected);
  });

  it.each([[null], ["click"], [7], [true], [[]], [[click]]])("refuses %j for an event", (value) => {
    expect(outcome(value)).toBe("not_an_object");
  });

  it("takes nesting up to the limit and no deeper", () => {
    const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    expect(outcome({ ...click, a: nested(15) })).toBe("ok");
    expect(outcome({ ...click, a: nested(16) })).toBe("too_deep");
    expect(outcome({ ...click, a: nested(100_000) })).toBe("too_deep");
  });

  it("knows click_time as another name of event_time", () => {
    const { event_time, ...rest } = click;
    const event = accepted({ ...rest, click_time: event_time });
    expect(event).toMatchObject({ event_time, ext: undefined });
    expect(accepted({ ...click, click_time: 5 }).ext).toEqual({ click_time: 5 });
  });

  // A retry must carry the id of its first copy, or it is billed twice.
  it("derives one id for every retry, whatever the notation of its time", () => {
    const { event_id: _without, ...rest } = click;
    const first = accepted({ ...rest, click_id: "clk_1" });
    const retry = accepted({ ...rest, click_id: "clk_1", event_time: "2026-06-01T14:00+02:00" });
    const ofAnother = parseEnvelope(
      { ...rest, click_id: "clk_1" },
      { ...context, sourceId: "src_2" },
    );
    expect(first).toMatchObject({ id_derived: true, event_id: retry.event_id });
    expect(first.event_id).toBe(sha256Hex(`["clk_1","src_1",${NOW_MS}]`));
    expect(ofAnother).not.toMatchObject({ event: { event_id: first.event_id } });
  });

  it.each([
    ["a country in lower case", { geo: "nl" }, "NL", undefined],
    ["nobody's code", { geo: "UK" }, undefined, { geo: "UK" }],
    ["a letter whose capital is a country", { geo: "ß" }, undefined, { geo: "ß" }],
    ["unknown, as we say it", { geo: "ZZ" }, undefined, undefined],
    ["not a string", { geo: 31 }, undefined, { geo: 31 }],
  ])("keeps of geo: %s", (_what, change, geo, ext) => {
    expect(accepted({ ...click, ...change })).toMatchObject({ geo, ext });
  });

  it.each([
    ["a device in capitals", { device: "Mobile" }, "mobile", undefined],
    ["an unknown word", { device: "fridge" }, "other", { device: "fridge" }],
    ["none", { device: null }, undefined, undefined],
  ])("keeps of device: %s", (_what, change, device, ext) => {
    expect(accepted({ ...click, ...change })).toMatchObject({ device, ext });
  });

  it("keeps unknown fields and the sender's own ext, and overwrites neither", () => {
    const merged = accepted({ ...click, hue: 1, ext: { b: 2 } });
    const clashing = accepted({ ...click, hue: 1, ext: { hue: 2 } });
    const odd = accepted({ ...click, ext: "words" });
    expect(merged.ext).toEqual({ hue: 1, b: 2 });
    expect(clashing.ext).toEqual({ hue: 1, ext: { hue: 2 } });
    expect(odd.ext).toEqual({ ext: "words" });
  });

  it("takes a field named __proto__ for a field, not for an inheritance", () => {
    const event = accepted(
      JSON.parse(`{"__proto__":{"test":true},${JSON.stringify(click).slice(1)}`),
    );
    expect(event.test).toBeUndefined();
    expect(JSON.stringify(event.ext)).toBe('{"__proto__":{"test":true}}');
  });
});
