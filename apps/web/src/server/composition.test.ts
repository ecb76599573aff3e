import { afterEach, expect, it, vi } from "vitest";

afterEach(() => {
  globalThis.trueclickComposition = undefined;
});

/** As Next does: the modules of pages are none of the program's. */
const evaluate = async () => {
  vi.resetModules();
  return await import("./composition.ts");
};

it("gives pages what the program made, however often its module is evaluated", async () => {
  const made = { loadViewer: async () => "signed-out" as const };
  globalThis.trueclickComposition = made;
  const [program, pages] = [await evaluate(), await evaluate()];
  expect(program.composition).not.toBe(pages.composition);
  expect([program.composition(), pages.composition()]).toEqual([made, made]);
});

it("says what is missing where another program draws pages", async () => {
  const { composition } = await evaluate();
  expect(() => composition()).toThrow("src/main.ts");
});
