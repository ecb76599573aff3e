import { describe, expect, it } from "vitest";
import { parseCombined } from "./combinedFormat.ts";
import { campaignOf, shiftOf, toClick } from "./toEvent.ts";

const LINE =
  '83.149.9.216 - - [25/Oct/2015:04:11:25 +0100] "GET /blog/tags/a?b=/c HTTP/1.1" 200 203 "-" "Mozilla/5.0 (X11)"';

function parsed(line: string) {
  const entry = parseCombined(line);
  if (entry === null) throw new Error(`not parsed: ${line}`);
  return entry;
}

describe("parseCombined", () => {
  it("reads a line, its time with its zone", () => {
    expect(parsed(LINE)).toEqual({
      host: "83.149.9.216",
      timeMs: Date.parse("2015-10-25T03:11:25Z"),
      request: "GET /blog/tags/a?b=/c HTTP/1.1",
      status: "200",
      userAgent: "Mozilla/5.0 (X11)",
    });
  });

  it.each([
    ["a user with spaces", LINE.replace("- - [", "- John Doe [")],
    ["escaped quotes in the request", LINE.replace("/blog", '/\\"blog\\"')],
    ["no size", LINE.replace(" 203 ", " - ")],
    ["an end that was cut off", LINE.slice(0, -1)],
  ])("reads a line with %s", (_guarantee, line) => {
    expect(parseCombined(line)).not.toBeNull();
  });

  it.each(["", "hello", LINE.replace("Oct", "Okt"), LINE.replace(" 200 ", " ok ")])(
    "knows a line of another form: %s",
    (line) => {
      expect(parseCombined(line)).toBeNull();
    },
  );
});

describe("toClick", () => {
  const options = {
    campaignBy: "section",
    shiftMs: 0,
    prefix: "web-",
    sha256Hex: (t: string) => t,
  };

  it.each([
    ["section", "web-blog"],
    ["status", "web-200"],
    ["method", "web-GET"],
  ] as const)("takes the campaign from the %s", (campaignBy, campaign) => {
    expect(campaignOf(parsed(LINE), { campaignBy, prefix: "web-" })).toBe(campaign);
  });

  it.each([
    ["the first page", "GET / HTTP/1.1", "web-root"],
    ["a page at the top", "GET /favicon.ico HTTP/1.1", "web-root"],
    ["what no id may hold", "GET /ä b/c HTTP/1.1", "web-root"],
    ["an attack", "\\x16\\x03\\x01", "web-root"],
  ])("finds a campaign for %s", (_guarantee, request, campaign) => {
    const entry = { ...parsed(LINE), request };
    expect(campaignOf(entry, { campaignBy: "section", prefix: "web-" })).toBe(campaign);
  });

  // Converted again on another day, the same line must not become another event.
  it("names a line the same whatever it is shifted by", () => {
    const place = { fileHash: "file", line: 7 };
    const ids = [0, 86_400_000].map(
      (shiftMs) =>
        toClick(parsed(LINE), place, { ...options, campaignBy: "section", shiftMs })["event_id"],
    );
    expect(ids[0]).toBe(ids[1]);
  });

  it("leaves out an address that is a name", () => {
    const entry = { ...parsed(LINE), host: "crawler.example" };
    const click = toClick(entry, { fileHash: "f", line: 1 }, { ...options, campaignBy: "section" });
    expect(click).not.toHaveProperty("ip");
  });

  it("shifts by whole days to just before the target", () => {
    const dayMs = 86_400_000;
    expect(shiftOf(1_000, 10 * dayMs + 999)).toBe(9 * dayMs);
    expect(shiftOf(1_000, 10 * dayMs + 1_000)).toBe(10 * dayMs);
  });
});
