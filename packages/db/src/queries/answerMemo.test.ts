import { expect, it } from "vitest";
import { AnswerMemo } from "./answerMemo.ts";

function counting(memo: AnswerMemo) {
  const asked: unknown[] = [];
  const ask = (question: unknown, answer = "answer") =>
    memo.answer([question], async () => {
      asked.push(question);
      return answer;
    });
  return { asked, ask };
}

it("reads an answer once, and one for each question that differs in anything", async () => {
  const { asked, ask } = counting(new AnswerMemo());
  const questions = [
    ...["SELECT 1", "SELECT 2", 1, "1", 1n, [1n], { ids: ["a"] }, { ids: ["a", "b"] }],
    ...[{ ids: ["a,b"] }, { tenant_all: true, ids: [] }, { tenant_all: false, ids: [] }],
  ];
  for (const question of questions)
    expect(await ask(question, String(question))).toBe(`${question}`);
  expect(asked).toEqual(questions);
  for (const question of questions) expect(await ask(question, "other")).toBe(`${question}`);
  expect(asked).toEqual(questions);
});

it("reads once for all who ask meanwhile, and again after a failure, of which all are told", async () => {
  const memo = new AnswerMemo();
  const { promise, reject } = Promise.withResolvers<string>();
  let reads = 0;
  const read = () => {
    reads += 1;
    return promise;
  };
  const both = [memo.answer(["q"], read), memo.answer(["q"], read)];
  reject(new Error("away"));
  for (const result of await Promise.allSettled(both)) expect(result.status).toBe("rejected");
  expect(reads).toBe(1);
  expect(await memo.answer(["q"], async () => "there")).toBe("there");
});

it("forgets what was not asked for longest, and keeps none that is too large", async () => {
  const { asked, ask } = counting(new AnswerMemo(1_000));
  const text = "x".repeat(100);
  for (let at = 0; at < 6; at += 1) await ask(at, text);
  await ask(0, text);
  // A key is 44 characters: six answers are all that fit.
  await ask(6, text);
  expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6]);
  await ask(0, text);
  await ask(1, text);
  expect(asked.slice(7)).toEqual([1]);
  for (let time = 0; time < 2; time += 1) await ask("large", "x".repeat(126));
  expect(asked.slice(8)).toEqual(["large", "large"]);
  await ask(0, text);
  expect(asked).toHaveLength(10);
});
