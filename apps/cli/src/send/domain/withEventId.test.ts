import { describe, expect, it } from "vitest";
import { withEventId } from "./withEventId.ts";

const HASH = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ID = "line-0123456789abcdef0123456789abcdef";

describe("withEventId", () => {
  // Sent again after a crash, an event without an id of its own would be billed twice.
  it.each([
    [
      "an event without an id",
      '{"event_type":"click"}',
      `{"event_id":"${ID}","event_type":"click"}`,
    ],
    ["an empty event", "{}", `{"event_id":"${ID}"}`],
    ["white space", ' { "a":1 }', ` {"event_id":"${ID}", "a":1 }`],
    ["an id of null, which would win over ours", '{"event_id":null}', `{"event_id":"${ID}"}`],
  ])("gives one to %s", (_guarantee, line, sent) => {
    expect(withEventId(line, HASH)).toBe(sent);
    expect(JSON.parse(sent)).toMatchObject({ event_id: ID });
  });

  it.each([
    ["an id", '{"event_id":"mine-0001","a":1.0}'],
    ["a click id, of which the edge makes one", '{"click_id":"c1"}'],
    ["no JSON in it", '{"event_type":'],
    ["no object in it", "[1]"],
  ])("leaves a line with %s as it is, byte for byte", (_guarantee, line) => {
    expect(withEventId(line, HASH)).toBe(line);
  });

  it("keeps numbers that would not survive being parsed", () => {
    expect(withEventId('{"order":12345678901234567890}', HASH)).toContain("12345678901234567890");
  });
});
