import { storedEventSchema } from "@trueclick/shared/event/stored";
import fc from "fast-check";
import { expect, it } from "vitest";
import { storedClick } from "../testing/fixtures.ts";
import { storedLine } from "../testing/storedLineArbitrary.ts";
import { parseStreamEvent } from "./streamEvent.ts";

/** What the schema, the contract with the edge, makes of a line. */
function bySchema(line: string) {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = storedEventSchema.safeParse(json);
  if (!parsed.success) return null;
  const { event_id, event_type, event_time, campaign_id, ad_id, publisher_id, user_id } =
    parsed.data;
  const { geo, device, test, flags } = parsed.data;
  return {
    eventId: event_id,
    eventType: event_type,
    eventTimeMs: event_time,
    campaignId: campaign_id ?? "",
    adId: ad_id ?? "",
    publisherId: publisher_id ?? "",
    userId: user_id ?? "",
    geo,
    device,
    test: test ?? false,
    flags,
  };
}

const bytes = (line: string) => new TextEncoder().encode(line);

// Accepting more, the stream would count what truth cannot; accepting less, drift has no cause.
it("reads exactly what the stored event's schema reads, and the same from it", () => {
  fc.assert(
    fc.property(storedLine, (line) => {
      expect(parseStreamEvent(bytes(line))).toEqual(bySchema(line));
    }),
    { numRuns: 2_000 },
  );
});

it("takes any bytes for an outcome, never for a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (line) => {
      expect(parseStreamEvent(line)).toBeNull();
    }),
  );
});

it("refuses a line that is not UTF-8, even where JSON would hold", () => {
  const line = bytes(JSON.stringify(storedClick({ user_id: "?" })));
  line[line.indexOf(0x3f)] = 0xff;
  expect(parseStreamEvent(line)).toBeNull();
});
