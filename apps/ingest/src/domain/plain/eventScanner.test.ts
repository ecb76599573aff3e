import { expect, it } from "vitest";
import { NOT_JSON } from "../jsonScan.ts";
import { EventScanner } from "./eventScanner.ts";

const NOW_MS = 1_780_000_000_000;
const CLICK = {
  ...{ event_type: "click", event_id: "evt_00000001", event_time: NOW_MS - 1_000 },
  ...{ campaign_id: "cmp_1", ad_id: "ad_1", publisher_id: "pub_1", geo: "US", unknown: "x" },
};

/** Scanned twice: what stood where is remembered, and then read in another way. */
function scanTwice(json: string): readonly number[] {
  const scanner = new EventScanner();
  // In memory of its own, so that a look behind its end is a fault.
  const alone = Buffer.from(new Uint8Array(Buffer.from(json)));
  return [0, 1].map(() => scanner.scan(alone, 0, alone.length, NOW_MS));
}

it("reads an event that ends where its memory ends, whatever stands last in it", () => {
  const { geo, unknown, ...others } = CLICK;
  for (const event of [CLICK, { ...others, unknown, geo }, { ...others, test: true }]) {
    const json = JSON.stringify(event);
    expect(scanTwice(json)).toEqual([json.length, json.length]);
  }
});

it("takes no text whose end is missing", () => {
  const json = JSON.stringify(CLICK);
  for (let end = 1; end < json.length; end += 1) {
    expect(scanTwice(json.slice(0, end))).toEqual([NOT_JSON, NOT_JSON]);
  }
});

it("finds fields whose names are set apart from their values, and in another order than before", () => {
  const scanner = new EventScanner();
  const apart = JSON.stringify(CLICK).replaceAll('":', '" : ').replaceAll(",", " , ");
  const reversed = JSON.stringify(Object.fromEntries(Object.entries(CLICK).reverse()));
  for (const json of [JSON.stringify(CLICK), apart, reversed, JSON.stringify(CLICK), apart]) {
    expect(scanner.scan(Buffer.from(json), 0, json.length, NOW_MS)).toBe(json.length);
  }
});
