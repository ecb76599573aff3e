import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { Moment } from "./moment.ts";

it("uses what came in one turn in its order, once, and none of it before the turn's end", async () => {
  const used: number[] = [];
  const moment = new Moment<number>((item) => used.push(item));
  for (const item of [1, 2, 3]) moment.add(item);
  expect(used).toEqual([]);
  await nextTurn();
  expect(used).toEqual([1, 2, 3]);
  await nextTurn();
  moment.add(4);
  await nextTurn();
  expect(used).toEqual([1, 2, 3, 4]);
});

it("leaves what comes while it is at work to the next turn, so that others have theirs", async () => {
  const used: string[] = [];
  const moment: Moment<number> = new Moment((item) => {
    used.push(`item ${item}`);
    if (item < 3) moment.add(item + 1);
  });
  moment.add(1);
  for (const turn of [1, 2, 3]) {
    await nextTurn();
    used.push(`turn ${turn}`);
  }
  expect(used).toEqual(["item 1", "turn 1", "item 2", "turn 2", "item 3", "turn 3"]);
});
