import { expect, it } from "vitest";
import { loadEnv, ownUrl } from "./env.ts";

const good = {
  DATABASE_URL: "postgres://u:p@127.0.0.1:5432/trueclick",
  CLICKHOUSE_URL: "http://127.0.0.1:8123/default",
  BETTER_AUTH_SECRET: "s".repeat(32),
  WEB_URL: "http://127.0.0.1:3000",
};

it("reads the settings", () => {
  expect(loadEnv(good)).toEqual({
    databaseUrl: good.DATABASE_URL,
    clickhouseUrl: good.CLICKHOUSE_URL,
    clickhouseCluster: null,
    authSecret: good.BETTER_AUTH_SECRET,
    webUrl: good.WEB_URL,
  });
});

it.each([
  ["DATABASE_URL", "mysql://127.0.0.1/x"],
  ["CLICKHOUSE_URL", undefined],
  ["BETTER_AUTH_SECRET", "short"],
  ["WEB_URL", "127.0.0.1:3000"],
])("names the setting %s when it is %j", (name, value) => {
  expect(() => loadEnv({ ...good, [name]: value })).toThrow(name);
});

it("knows where this process answers, on this machine alone", () => {
  expect(ownUrl({ PORT: "3001", WEB_URL: "https://reports.example" })).toBe(
    "http://127.0.0.1:3001",
  );
  expect(ownUrl({ WEB_URL: "https://reports.example" })).toBeUndefined();
});
