import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { KNOWN_FIELDS, parseEnvelope } from "./envelope.ts";
import { envelopeSchema } from "./envelopeSchema.ts";
import { findUnstorable } from "./jsonValue.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");
const context = { ingestTimeMs: NOW_MS, sourceId: "src_1", sha256Hex };

const valid = {
  event_type: "click",
  event_id: "evt_00000001",
  event_time: NOW_MS,
  campaign_id: "cmp_1",
  ad_id: "ad_1",
  publisher_id: "pub_1",
};

/** What a field may hold: right, just over a limit, of another type, or anything JSON knows. */
const fieldValue = fc.oneof(
  fc.constantFrom<unknown>(null, "", "click", "conversion", "mobile", "NL", "ZZ", true, 0, 1, -1),
  fc.constantFrom<unknown>(
    NOW_MS,
    NOW_MS - 4e9,
    NOW_MS + 3e5 + 1,
    "2026-06-01T12:00Z",
    0.5,
    2 ** 53,
  ),
  fc.constantFrom(8, 64, 65, 128, 129, 1_024, 1_025, 4_097).map((length) => "a".repeat(length)),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.jsonValue(),
);
const fieldName = fc.oneof(
  fc.constantFrom(...KNOWN_FIELDS, "click_time"),
  fc.string({ maxLength: 8 }),
);

/** A valid click with a few fields changed, added or taken away. */
const candidate = fc
  .tuple(
    fc.dictionary(fieldName, fieldValue, { maxKeys: 4 }),
    fc.subarray(Object.keys(valid), { maxLength: 2 }),
  )
  .map(([changes, absent]) => {
    const kept = Object.entries(valid).filter(([name]) => !absent.includes(name));
    return Object.fromEntries([...kept, ...Object.entries(changes)]);
  });

describe("parseEnvelope", () => {
  // The parser is written by hand for speed; the schema says what it must mean.
  it("takes and refuses exactly what the schema does, and reads the same values", () => {
    const schema = envelopeSchema(NOW_MS);
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(candidate, (value) => {
        const byHand = parseEnvelope(value, context);
        const bySchema = schema.safeParse(value);
        expect(byHand.ok, JSON.stringify({ value, byHand })).toBe(bySchema.success);
        seen[byHand.ok ? "taken" : "refused"] += 1;
        if (!byHand.ok || !bySchema.success) return;
        const { geo, device, ext, id_derived, event_id, event_time, schema_version, ...plain } =
          byHand.event;
        expect(bySchema.data).toMatchObject(
          Object.fromEntries(Object.entries(plain).filter(([, field]) => field !== undefined)),
        );
        expect(event_id).toBe(bySchema.data.event_id ?? event_id);
        expect(id_derived).toBe(bySchema.data.event_id === undefined);
        expect(schema_version).toBe(bySchema.data.schema_version ?? 1);
      }),
      { numRuns: 3_000 },
    );
    // A generator that made only one kind would prove nothing.
    expect(seen.taken).toBeGreaterThan(300);
    expect(seen.refused).toBeGreaterThan(300);
  });

  it("never throws, whatever JSON it is given, and says why it refuses", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const result = parseEnvelope(value, context);
        return result.ok || result.message.length > 0;
      }),
    );
  });

  it("keeps every unknown field as it was", () => {
    const names = fc.string().filter((name) => !KNOWN_FIELDS.has(name) && name !== "click_time");
    const unknownFields = fc
      .dictionary(names, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 })
      .filter((fields) => findUnstorable(fields) === null && Object.keys(fields).length > 0);
    fc.assert(
      fc.property(unknownFields, (fields) => {
        const result = parseEnvelope({ ...fields, ...valid }, context);
        expect(result).toMatchObject({ ok: true });
        if (result.ok) expect(JSON.stringify(result.event.ext)).toBe(JSON.stringify({ ...fields }));
      }),
    );
  });
});

const BLNS = fileURLToPath(new URL("../../../../../shared/data/abuse/blns.json", import.meta.url));

describe.runIf(existsSync(BLNS))("the big list of naughty strings", () => {
  it("comes back byte-exact from any text field, or is refused, or was empty", () => {
    const strings = z.array(z.string()).parse(JSON.parse(readFileSync(BLNS, "utf8")));
    expect(strings.length).toBeGreaterThan(500);
    for (const text of strings) {
      const result = parseEnvelope({ ...valid, user_id: text, note: text }, context);
      if (!result.ok) continue;
      const stored = JSON.parse(JSON.stringify(result.event));
      expect(stored.user_id ?? "").toBe(text);
      expect(stored.ext.note).toBe(text);
    }
  });
});
