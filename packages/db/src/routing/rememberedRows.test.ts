import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { AnswerMemo } from "../queries/answerMemo.ts";
import type { TenantScope } from "../tenant.ts";
import { hotPartsOf } from "./hotParts.ts";
import type { SettledHours } from "./hotSettled.ts";
import { rowsQuestion } from "./rememberedRows.ts";
import type { ReportQuery } from "./reportQuery.ts";

const memo = new AnswerMemo();
const recent = new AnswerMemo();
const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});

const DAY = Date.parse("2026-10-30T00:00:00Z");
const query: ReportQuery = {
  scope: scopeOf("acme"),
  mode: "dashboard",
  fromMs: DAY,
  toMs: DAY + 4 * HOUR_MS,
  granularity: "hour",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
};
const settled: SettledHours = {
  beforeMs: DAY + 2 * HOUR_MS,
  asOf: [1, "healed"],
  correctedMs: DAY,
  open: null,
  restAsOf: [1, "healed", "written"],
};

interface Change {
  readonly query?: Partial<ReportQuery>;
  readonly settled?: Partial<SettledHours>;
  readonly register?: string;
  readonly nowMs?: number;
}

function questionOf(change: Change = {}) {
  const asked = { ...query, ...change.query };
  const { fromMs, toMs, granularity } = asked;
  const nowMs = change.nowMs ?? DAY + 3 * HOUR_MS;
  const state = { ...settled, ...change.settled };
  const rolledThroughMs = state.beforeMs;
  const parts = hotPartsOf({ fromMs, toMs, granularity, nowMs, rolledThroughMs });
  const facts = {
    accounts: [],
    pins: [],
    empty: { spans: [], refuted: [], beginsMs: null, readThroughMs: null },
    stream: { watermarkMs: null, level: 0, rolledThroughMs, written: "written" },
    hotHours: null,
    register: change.register ?? "register",
  };
  const route = {
    store: "hot_hours+hot_minutes" as const,
    reason: "",
    hot: { fromMs, toMs, parts },
    truth: null,
  };
  return rowsQuestion({ memo, recent }, asked, { facts, route, settled: state, nowMs });
}

// A question that two callers or two states share is answered to one by what is the other's.
it.each<[string, Change]>([
  ["whose rows may be seen", { query: { scope: scopeOf("other") } }],
  ["one advertiser more", { query: { scope: scopeOf("acme", "other") } }],
  ["everybody's rows", { query: { scope: { kind: "all" } } }],
  ["nobody's rows", { query: { scope: scopeOf() } }],
  ["a filter", { query: { filters: { campaign: ["a1"] } } }],
  ["the same value of another filter", { query: { filters: { ad: ["a1"] } } }],
  ["a dimension", { query: { dimensions: ["campaign"] } }],
  ["another span", { query: { granularity: "day" } }],
  ["another zone", { query: { timeZone: "Asia/Kolkata" } }],
  ["a longer range", { query: { toMs: query.toMs + MINUTE_MS } }],
  ["names or versions of others", { register: "other" }],
  ["an hour that was healed", { settled: { asOf: [1, "again"], restAsOf: [1, "again", "w"] } }],
  ["a flush", { settled: { restAsOf: [1, "healed", "more"] } }],
  ["evidence that was corrected", { settled: { correctedMs: DAY + HOUR_MS } }],
  ["a range that is over", { query: { toMs: DAY + 210 * MINUTE_MS }, nowMs: DAY + 4 * HOUR_MS }],
])("%s is another question", (what, change) => {
  const { nowMs: _, ...before } = change;
  const plain = change.nowMs === undefined ? questionOf() : questionOf(before);
  const other = questionOf(change);
  expect(plain.exact?.memo).toBe(recent);
  expect(JSON.stringify(other.exact?.asked)).not.toBe(JSON.stringify(plain.exact?.asked));
  // What the stream has written since is all that a moment's answer may lack.
  const isSame = JSON.stringify(other.latest) === JSON.stringify(plain.latest);
  expect([what, isSame]).toEqual([what, what === "a flush"]);
});

it("remembers nothing for long while rows are written or counted again", () => {
  const { exact, latest } = questionOf({ settled: { restAsOf: null } });
  expect(exact).toBeNull();
  expect(latest).toEqual(questionOf().latest);
});

it("remembers nothing whose minutes may be dropped", () => {
  expect(questionOf({ nowMs: DAY + 72 * HOUR_MS })).toEqual({ exact: null, latest: null });
});

it("asks of settled hours alone whatever is written to others", () => {
  const past = { toMs: DAY + 2 * HOUR_MS };
  const question = questionOf({ query: past });
  expect(question.latest).toBeNull();
  expect(question.exact?.memo).toBe(memo);
  const flushed = questionOf({ query: past, settled: { restAsOf: null } });
  expect(flushed).toEqual(question);
  const healed = questionOf({ query: past, settled: { asOf: [1, "again"] } });
  expect(healed.exact?.asked).not.toEqual(question.exact?.asked);
});

it("takes the time of asking for no other question", () => {
  expect(questionOf({ nowMs: DAY + 3 * HOUR_MS + MINUTE_MS })).toEqual(questionOf());
});
