import { expect, it } from "vitest";
import { signIn } from "./signIn.ts";

it.each([
  [200, "signed-in"],
  [401, "refused"],
  [400, "refused"],
  [429, "too-many-tries"],
  [500, "unreachable"],
] as const)("takes status %d for %s", async (status, outcome) => {
  const send = async () => new Response("{}", { status });
  expect(await signIn("a@b.example", "secret", send)).toBe(outcome);
});

it("says that the server is unreachable rather than failing", async () => {
  const send = async () => {
    throw new TypeError("fetch failed");
  };
  expect(await signIn("a@b.example", "secret", send)).toBe("unreachable");
});
