import { openTestStores } from "@trueclick/db/testing/testStores";
import { afterEach, expect, it, vi } from "vitest";
import { compose } from "./stores.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  globalThis.trueclickComposition = undefined;
});

// The fourth who asks a new kind of question waited for the compiler of the engine.
it("asks an engine that compiles nothing for a report", async () => {
  const test = await openTestStores();
  for (const [name, url] of Object.entries(test.urls)) vi.stubEnv(name, url);
  vi.stubEnv("BETTER_AUTH_SECRET", "a secret of nobody, for this test");
  vi.stubEnv("WEB_URL", "http://127.0.0.1:1");
  const { clickhouse } = compose().stores;
  const names = [
    "compile_expressions",
    "compile_aggregate_expressions",
    "compile_sort_description",
  ];
  const columns = names.map((name) => `getSetting('${name}') AS ${name}`).join(", ");
  const answer = await clickhouse.query({ query: `SELECT ${columns}`, format: "JSONEachRow" });
  expect(await answer.json()).toEqual([Object.fromEntries(names.map((name) => [name, false]))]);
  await clickhouse.close();
  await test.close();
});
