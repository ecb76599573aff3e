import { describe, expect, it } from "vitest";
import { changedInputs, diffSentence, inOrder } from "./prepareDiff.ts";

const version = (number: number) => ({
  ...{ version: number, jobId: number, cause: "", costMicros: 0n },
  publishedAt: new Date(0),
});
const sides = { before: version(1), after: version(2), currency: "EUR" };
const move = (verdict: string, events: number, eventType = "click") => ({
  ...{ campaign: "a", campaignName: "A", costMicros: 0n },
  ...{ eventType, verdict, events },
});
const same = { rules: [], decisions: [], campaigns: [], objects: [] };

describe("the sentence of a difference", () => {
  it("tells the cost, then the valid clicks, then what became of them", () => {
    const moved = [
      move("double_click", 40),
      move("bot_user_agent", 300),
      move("bot_user_agent", 80),
      move("valid", -420),
      move("valid", 7, "impression"),
    ];
    expect(diffSentence({ ...sides, costMicros: -105_000_000n, moved })).toBe(
      "Version 2 costs €105.00 less than version 1: -420 valid clicks, +380 robot clicks, " +
        "+40 double clicks.",
    );
  });

  it("says so when the cost is the same, and leaves out what adds up to nothing", () => {
    const moved = [move("valid", 1), move("valid", -1)];
    expect(diffSentence({ ...sides, costMicros: 0n, moved })).toBe(
      "Version 2 costs the same as version 1.",
    );
  });
});

it("puts clicks first, the dearest before the others", () => {
  const dear = { ...move("valid", -1), costMicros: -5n };
  const cheap = { ...move("valid", 9), costMicros: 1n };
  const [few, many, view] = [
    move("manual", 1),
    move("manual", -3),
    move("valid", 99, "impression"),
  ];
  expect(inOrder([view, few, many, cheap, dear])).toEqual([dear, cheap, many, few, view]);
});

describe("the inputs that changed", () => {
  it("are told one by one, a rule beside the one it replaced", () => {
    const added = {
      ...{ rules: ["velocity@2", "prefetch@1"], decisions: [7], campaigns: ["a", "b"] },
      objects: ["x"],
    };
    const removed = { ...same, rules: ["velocity@1", "manual@1"], campaigns: ["a"] };
    expect(changedInputs({ added, removed, changed: ["code_version"] })).toEqual([
      "Rule velocity@2 in place of velocity@1",
      "Rule prefetch@1 now applies",
      "Rule manual@1 no longer applies",
      "Fraud decision 7 now applies",
      "Other rates or another history of campaign a",
      "Campaign b was not known before",
      "1 more archive file: events that came later, or merged files",
      "Another version of the counting program",
    ]);
  });

  it("are named as none where none did", () => {
    expect(changedInputs({ added: same, removed: same, changed: [] })).toEqual([
      "Both were counted by the same inputs",
    ]);
  });
});
