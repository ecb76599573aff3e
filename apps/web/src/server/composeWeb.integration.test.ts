import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { afterAll, beforeAll, expect, it } from "vitest";
import { composeWeb, type WebParts } from "./composeWeb.ts";
import { composition } from "./composition.ts";
import { loadEnv } from "./env.ts";

let test: TestStores;
let parts: WebParts;
beforeAll(async () => {
  test = await openTestStores();
  parts = composeWeb(
    loadEnv({
      ...test.urls,
      BETTER_AUTH_SECRET: "a secret of nobody, for this test",
      WEB_URL: "http://127.0.0.1:1",
    }),
  );
});
afterAll(async () => {
  await parts.close();
  await test.close();
  globalThis.trueclickComposition = undefined;
});

// The fourth who asks a new kind of question waited for the compiler of the engine.
it("asks an engine that compiles nothing for a report", async () => {
  const { clickhouse } = parts.stores;
  const names = [
    "compile_expressions",
    "compile_aggregate_expressions",
    "compile_sort_description",
  ];
  const columns = names.map((name) => `getSetting('${name}') AS ${name}`).join(", ");
  const answer = await clickhouse.query({ query: `SELECT ${columns}`, format: "JSONEachRow" });
  expect(await answer.json()).toEqual([Object.fromEntries(names.map((name) => [name, false]))]);
});

it("tells pages who looks at them, by the session's cookie alone", async () => {
  const { loadViewer } = composition();
  expect(await loadViewer(new Headers())).toBe("signed-out");
  expect(await loadViewer(new Headers({ cookie: "trueclick.session_token=x.y" }))).toBe(
    "signed-out",
  );
});
