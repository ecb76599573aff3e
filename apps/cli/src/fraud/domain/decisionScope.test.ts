import { expect, it } from "vitest";
import { formatScope, parseScope } from "./decisionScope.ts";

it("takes all words of a scope, and writes them as they were given", () => {
  const entries = [
    ["advertiser", "adv_1"],
    ["campaign", "c1"],
    ["ad", "a=1"],
    ["publisher", "p,1"],
    ["user", "u1"],
    ["ip_net", "203.0.113.0/24"],
    ["event", ""],
  ] as const;
  const parsed = parseScope(entries);
  expect(parsed).toEqual({
    scope: {
      advertiserId: "adv_1",
      campaignId: "c1",
      adId: "a=1",
      publisherId: "p,1",
      userId: "u1",
      ipNet: "203.0.113.0/24",
    },
  });
  if ("scope" in parsed) {
    expect(formatScope(parsed.scope)).toBe(
      "advertiser=adv_1 campaign=c1 ad=a=1 publisher=p,1 user=u1 ip_net=203.0.113.0/24",
    );
  }
});

// A decision on everything of an advertiser, by a slip, would credit a whole month.
it.each([
  [[["advertiser", "adv_1"]], "at least one of"],
  [[["country", "DE"]], "no country"],
  [[["ip_net", "203.0.113.7"]], "no network"],
  [
    [
      ["publisher", "p1"],
      ["publisher", "p2"],
    ],
    "publisher is named twice",
  ],
  [[["advertiser", "a".repeat(65)]], "advertiser has more than 64"],
] as const)("refuses %j", (entries, message) => {
  expect(parseScope(entries)).toEqual({ wrong: expect.stringContaining(message) });
});
