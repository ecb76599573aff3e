import { Readable } from "node:stream";
import { expect, it } from "vitest";
import type { CliContext } from "../terminal/context.ts";
import { UsageError } from "../terminal/errors.ts";
import { loadStartSettings } from "./startSettings.ts";

const S3 = {
  S3_ENDPOINT: "http://127.0.0.1:9000",
  S3_BUCKET: "clicks",
  S3_ACCESS_KEY_ID: "key",
  S3_SECRET_ACCESS_KEY: "secret",
};

function load(fresh: boolean, env: CliContext["env"]) {
  const { signal } = new AbortController();
  const { stdout, stderr } = process;
  const context: CliContext = {
    ...{ env, root: "/srv/trueclick", stdin: Readable.from([]), stdout, stderr },
    ...{ stop: signal, force: signal },
  };
  return loadStartSettings(context, { fresh, demo: false, history: false, kafka: false });
}

// What stays behind of an old log is named as the new one's: a click of before would be billed again.
it.each([
  ["a database", { DATABASE_URL: "postgres://db/x" }],
  ["an engine", { CLICKHOUSE_URL: "http://ch:8123/x" }],
  ["a log", { KAFKA_BROKERS: "k:9092" }],
  ["a folder of objects", { OBJECTS_DIR: "/srv/objects" }],
  ["a bucket", S3],
])("empties no data folder beside %s that keeps its data", (_what, env) => {
  expect(() => load(true, env)).toThrow(UsageError);
  expect(load(false, env).fresh).toBe(false);
});

it("empties a data folder that holds all there is", () => {
  expect(load(true, {})).toMatchObject({ fresh: true, s3: null });
});
