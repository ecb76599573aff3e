import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { Turns } from "./turns.ts";

it("gives each who asks a turn of the loop to himself", async () => {
  const turns = new Turns(() => setImmediate());
  const order: string[] = [];
  const asked = ["a", "b", "c"].map((name) => turns.myTurn().then(() => order.push(name)));
  for (let turn = 0; turn < 3; turn += 1) {
    await setImmediate();
    order.push("others");
  }
  await Promise.all(asked);
  const own = order.filter((name) => name !== "others");
  expect(own).toEqual(["a", "b", "c"]);
  // Between any two of them somebody else had a turn.
  const [a, b, c] = own.map((name) => order.indexOf(name));
  expect(order.slice(a, b)).toContain("others");
  expect(order.slice(b, c)).toContain("others");
});
