import { expect, it } from "vitest";
import { loadEnv } from "./env.ts";

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
    host: "127.0.0.1",
    port: 3_000,
    isDevelopment: false,
  });
  const elsewhere = { WEB_HOST: "0.0.0.0", WEB_PORT: "0", NODE_ENV: "development" };
  expect(loadEnv({ ...good, ...elsewhere })).toMatchObject({
    ...{ host: "0.0.0.0", port: 0, isDevelopment: true },
  });
});

it.each([
  ["DATABASE_URL", "mysql://127.0.0.1/x"],
  ["CLICKHOUSE_URL", undefined],
  ["BETTER_AUTH_SECRET", "short"],
  ["WEB_URL", "127.0.0.1:3000"],
  ["WEB_PORT", "65536"],
])("names the setting %s when it is %j", (name, value) => {
  expect(() => loadEnv({ ...good, [name]: value })).toThrow(name);
});

it("says all that is wrong in one line", () => {
  const wrong = { ...good, DATABASE_URL: undefined, WEB_PORT: "web" };
  expect(() => loadEnv(wrong)).toThrow(
    /^settings are missing or wrong: DATABASE_URL: .*; WEB_PORT: .*$/,
  );
});
