import { describe, expect, it } from "vitest";
import {
  disclosureOfRule,
  parseRuleParameters,
  RULE_IDS,
  type RuleVersion,
  rulesInForce,
  STANDARD_RULES,
  verdictOfRule,
} from "./rules.ts";
import { VERDICT_CLASS } from "./verdict.ts";

const DAY = { fromMs: 1_000, toMs: 2_000 };

function doubleClick(version: number, effectiveFromMs: number, seconds: number): RuleVersion {
  const parameters = { seconds };
  return { id: "double_click", version, enabled: true, parameters, effectiveFromMs };
}

const shown = (versions: readonly RuleVersion[]) =>
  rulesInForce(versions, DAY).map(({ version, fromMs, toMs }) => [version, fromMs, toMs]);

describe("the rules", () => {
  it("give every verdict but valid a rule, a text and parameters that are sound", () => {
    const verdicts = new Set(RULE_IDS.map(verdictOfRule));
    expect([...verdicts, "valid"].sort()).toEqual(Object.keys(VERDICT_CLASS).sort());
    for (const { id, parameters } of STANDARD_RULES) {
      expect(parseRuleParameters(id, parameters)).toEqual(parameters);
      expect(disclosureOfRule(id)).not.toBe("");
    }
  });

  it.each([
    ["double_click", { seconds: 3_601 }],
    ["double_click", {}],
    ["velocity_user", { seconds: 7, clicks_max: 1 }],
    ["prefetch", { seconds: 1 }],
  ] as const)("refuse parameters of %s that they do not take", (id, parameters) => {
    expect(() => parseRuleParameters(id, parameters)).toThrow();
  });
});

describe("rulesInForce", () => {
  it("changes from one version to the next at its instant of event time", () => {
    expect(shown([doubleClick(1, 0, 30), doubleClick(2, 1_500, 60)])).toEqual([
      [1, 0, 1_500],
      [2, 1_500, null],
    ]);
  });

  it("lets a later version reach back over an earlier one", () => {
    expect(
      shown([doubleClick(1, 0, 30), doubleClick(2, 1_800, 60), doubleClick(3, 500, 10)]),
    ).toEqual([[3, 500, null]]);
  });

  it("leaves out what begins after the range, and rules that are switched off", () => {
    const off = { ...doubleClick(2, 0, 60), enabled: false };
    expect(shown([doubleClick(1, 2_000, 30)])).toEqual([]);
    expect(shown([doubleClick(1, 0, 30), off])).toEqual([]);
  });
});
