import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPropertySeed, seedOf } from "./propertySeed.ts";

/** All that a property drew, and what its run says of itself. */
function draw(parameters?: fc.Parameters<[number]>) {
  const drawn: number[] = [];
  const property = fc.property(fc.integer(), (value) => void drawn.push(value));
  return { drawn, ...fc.check(property, parameters) };
}

const ownSeed = (task: { readonly fullName: string }): number =>
  seedOf(task.fullName, readPropertySeed(process.env["PROPERTY_SEED"]));

describe("what property tests draw", () => {
  it("follows from the name of the test", ({ task }) => {
    const { seed, drawn } = draw();
    expect(seed).toBe(ownSeed(task));
    expect(draw().drawn).toEqual(drawn);
    expect(new Set(drawn).size).toBeGreaterThan(50);
  });

  it("still follows from it where the test says how many runs it wants", ({ task }) => {
    const { seed, numRuns, drawn } = draw({ numRuns: 7 });
    expect({ seed, numRuns }).toEqual({ seed: ownSeed(task), numRuns: 7 });
    expect(draw({ numRuns: 7 }).drawn).toEqual(drawn);
  });

  it("follows from the seed that the test gives, where it gives one", () => {
    expect(draw({ seed: 7 }).seed).toBe(7);
  });

  it("is another for another test, and for another PROPERTY_SEED", () => {
    expect(new Set([seedOf("a", 1), seedOf("b", 1), seedOf("a", 2)]).size).toBe(3);
    expect(seedOf("a", 1)).toBe(seedOf("a", 1));
  });
});

describe("PROPERTY_SEED", () => {
  it.each([undefined, ""])("is always the same one when it is %j", (text) => {
    expect(readPropertySeed(text)).toBe(readPropertySeed(undefined));
  });

  it.each(["12 34", "1.5", "seed"])("refuses %j", (text) => {
    expect(() => readPropertySeed(text)).toThrow(RangeError);
  });
});
