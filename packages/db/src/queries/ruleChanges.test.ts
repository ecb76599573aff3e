import { type RuleVersion, rulesInForce, STANDARD_RULES } from "@trueclick/shared/verdict/rules";
import { describe, expect, it } from "vitest";
import { changedRules } from "./ruleChanges.ts";

const DAY = { fromMs: 1_000_000, toMs: 2_000_000 };
const pinned = (versions: readonly RuleVersion[]) =>
  rulesInForce(versions, DAY).map(({ id, version, fromMs, toMs }) => {
    return { id, version, from_ms: fromMs, to_ms: toMs };
  });
const next = (effectiveFromMs: number, more: Partial<RuleVersion> = {}): RuleVersion => ({
  ...{ id: "double_click", version: 2, enabled: true, parameters: { seconds: 60 } },
  effectiveFromMs,
  ...more,
});
const changedBy = (...added: readonly RuleVersion[]) =>
  changedRules(pinned(STANDARD_RULES), [...STANDARD_RULES, ...added], DAY);

describe("the rules that are others for a day", () => {
  it("are none while nothing was added", () => {
    expect(changedBy()).toEqual([]);
  });

  it("are the new one and the one that it takes the day from", () => {
    expect(changedBy(next(0))).toEqual(["double_click@2", "-double_click@1"]);
    // From the middle of the day on, both judge a part of it.
    expect(changedBy(next(1_500_000))).toEqual(["double_click@1", "double_click@2"]);
  });

  it("are those that judge no more", () => {
    expect(changedBy(next(0, { enabled: false }))).toEqual(["-double_click@1"]);
  });

  it("leave out what begins after the day, although the one before ends then", () => {
    expect(changedBy(next(DAY.toMs))).toEqual([]);
  });

  it("leave out a version that a later one covers whole", () => {
    const again = next(0, { version: 3, parameters: { seconds: 30 } });
    expect(changedBy(next(DAY.toMs), again)).toEqual(["double_click@3", "-double_click@1"]);
  });
});
