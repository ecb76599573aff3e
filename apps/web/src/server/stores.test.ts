import { afterEach, expect, it, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
  globalThis.trueclickComposition = undefined;
});

// Next evaluates it once for pages and once for APIs: each would hold connections and answers of its own.
it("is made once in a process, however often its module is evaluated", async () => {
  vi.stubEnv("DATABASE_URL", "postgres://nobody:x@127.0.0.1:1/none");
  vi.stubEnv("CLICKHOUSE_URL", "http://127.0.0.1:1/none");
  vi.stubEnv("BETTER_AUTH_SECRET", "a secret of nobody, for this test");
  vi.stubEnv("WEB_URL", "http://127.0.0.1:1");
  const evaluate = async () => {
    vi.resetModules();
    return await import("./stores.ts");
  };
  const [pages, apis] = [await evaluate(), await evaluate()];
  expect(pages.compose).not.toBe(apis.compose);
  expect(pages.compose()).toBe(apis.compose());
});
