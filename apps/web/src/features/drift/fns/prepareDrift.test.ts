import { expect, it } from "vitest";
import { driftSentence, summariseDrift } from "./prepareDrift.ts";

const row = { stream: 100, truth: 90, causes: { bot_user_agent: 12, late: -2 }, unexplained: 0 };

it("keeps the difference the sum of its causes and of what is not explained", () => {
  const summary = summariseDrift([
    row,
    { stream: 50, truth: 44, causes: { bot_user_agent: 3, double_click: 1 }, unexplained: 2 },
  ]);
  const explained = summary.causes.reduce((sum, { difference }) => sum + difference, 0);
  expect(summary).toMatchObject({ stream: 150, truth: 134, difference: 16, unexplained: 2 });
  expect(explained + summary.unexplained).toBe(summary.difference);
});

it("leaves out causes that cancel each other, and puts the largest first", () => {
  const summary = summariseDrift([row, { ...row, causes: { late: 2, duplicate: 40 } }]);
  expect(summary.causes.map(({ cause }) => cause)).toEqual(["duplicate", "bot_user_agent"]);
});

it("says in a sentence which way billing differs and why", () => {
  expect(driftSentence(summariseDrift([row]))).toBe(
    "Billing is 10 lower than the live estimate: 12 robot clicks taken out, 2 late clicks added.",
  );
});

it("does not hide causes that cancel each other, nor what nobody can explain", () => {
  const even = { stream: 5, truth: 5, causes: { late: -3, duplicate: 2 }, unexplained: 1 };
  expect(driftSentence(summariseDrift([even]))).toBe(
    "Billing and live estimate agree in sum: 3 late clicks added, 2 duplicates taken out, 1 not explained.",
  );
});

it.each([
  ["not_archived_yet", "1 click not archived yet taken out"],
  ["publisher_blocked", "1 click of blocked publishers taken out"],
  ["duplicate", "1 duplicate taken out"],
  ["id_conflict", "1 conflicting copy taken out"],
])("names one of %s as one", (cause, words) => {
  const one = { stream: 1, truth: 0, causes: { [cause]: 1 }, unexplained: 0 };
  expect(driftSentence(summariseDrift([one]))).toBe(
    `Billing is 1 lower than the live estimate: ${words}.`,
  );
});

it("says so when both agree", () => {
  expect(driftSentence(summariseDrift([]))).toBe("Billing and live estimate agree to the click.");
});

it("names the largest causes and adds up the others", () => {
  const many = { late: -9, duplicate: 8, test: 7, velocity: 6, manual: -1 };
  const summary = summariseDrift([{ stream: 20, truth: 9, causes: many, unexplained: 0 }]);
  expect(driftSentence(summary)).toContain("5 by other causes less");
});
