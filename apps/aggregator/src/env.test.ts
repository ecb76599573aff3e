import { toObjectsSettings } from "@trueclick/archive/objectsSettings";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadEnv } from "./env.ts";

const REQUIRED = {
  DATABASE_URL: "postgres://u:p@127.0.0.1:5432/trueclick",
  CLICKHOUSE_URL: "http://127.0.0.1:8123/trueclick",
  OBJECTS_DIR: "/objects",
};

describe("loadEnv", () => {
  it("runs every role, on the Postgres log, unless told otherwise", () => {
    const env = loadEnv(REQUIRED);
    expect([...env.AGGREGATOR_ROLES]).toEqual(["stream", "archive", "batch", "quarantine"]);
    expect(env.KAFKA_BROKERS).toBeUndefined();
    expect(env.EVENTS_TOPIC).toBe("clicks.raw");
    expect(env.ALLOWED_LATENESS_MS).toBe(600_000);
  });

  it("splits lists", () => {
    const lists = { KAFKA_BROKERS: "a:9092, b:9092", AGGREGATOR_ROLES: "batch, stream" };
    const env = loadEnv({ ...REQUIRED, ...lists });
    expect(env.KAFKA_BROKERS).toEqual(["a:9092", "b:9092"]);
    expect([...env.AGGREGATOR_ROLES]).toEqual(["batch", "stream"]);
  });

  it("needs no objects for the stream alone", () => {
    const env = loadEnv({ ...REQUIRED, OBJECTS_DIR: "", AGGREGATOR_ROLES: "stream" });
    expect(env.OBJECTS_DIR).toBeUndefined();
  });

  it("takes a bucket in place of the folder", () => {
    const env = loadEnv({
      ...REQUIRED,
      OBJECTS_DIR: "",
      S3_ENDPOINT: "http://127.0.0.1:9000",
      S3_BUCKET: "archive",
      S3_ACCESS_KEY_ID: "id",
      S3_SECRET_ACCESS_KEY: "secret",
    });
    expect(toObjectsSettings(env)).toEqual({
      kind: "s3",
      endpoint: "http://127.0.0.1:9000",
      bucket: "archive",
      accessKeyId: "id",
      secretAccessKey: "secret",
      region: "us-east-1",
      pathStyle: true,
    });
  });

  describe("refuses", () => {
    beforeEach(() => {
      vi.spyOn(console, "error").mockImplementation(() => {});
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });

    it.each([
      ["no database", { DATABASE_URL: undefined }],
      ["a ClickHouse that is not spoken to by HTTP", { CLICKHOUSE_URL: "tcp://127.0.0.1:9000" }],
      ["a role that nobody plays", { AGGREGATOR_ROLES: "stream,billing" }],
      ["an archive without a place for it", { OBJECTS_DIR: "" }],
      ["a bucket without its key", { S3_ENDPOINT: "http://s3:9000", S3_BUCKET: "archive" }],
      ["to flush less often than once a window", { STREAM_FLUSH_INTERVAL_MS: "60001" }],
      ["no lateness at all", { ALLOWED_LATENESS_MS: "0" }],
    ])("%s", (_what, differences) => {
      expect(() => loadEnv({ ...REQUIRED, ...differences })).toThrow();
    });
  });
});
