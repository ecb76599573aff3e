import { describe, expect, it } from "vitest";
import { loadEnv } from "./env.ts";

const required = {
  DATABASE_URL: "postgresql://trueclick@127.0.0.1:5432/trueclick",
  IP_HASH_KEY: "00112233445566778899aabbccddeeff",
};

describe("loadEnv", () => {
  it("needs a database and a key, and has a default for the rest", () => {
    expect(loadEnv(required)).toMatchObject({
      EVENTS_TOPIC: "clicks.raw",
      EVENTS_PARTITIONS: 4,
      INGEST_PORT: 4_000,
      REGION: "local",
      KAFKA_BROKERS: undefined,
    });
  });

  it("reads a list of brokers", () => {
    expect(loadEnv({ ...required, KAFKA_BROKERS: "a:9092, b:9092" }).KAFKA_BROKERS).toEqual([
      "a:9092",
      "b:9092",
    ]);
  });

  it.each([
    ["no database", { DATABASE_URL: "" }],
    ["another kind of database", { DATABASE_URL: "http://127.0.0.1" }],
    ["a short key, which can be guessed", { IP_HASH_KEY: "00ff" }],
    ["a key that is not hex", { IP_HASH_KEY: "z".repeat(32) }],
    ["a topic that Kafka would refuse", { EVENTS_TOPIC: "clicks raw" }],
    ["a port that is none", { INGEST_PORT: "65536" }],
  ])("refuses %s", (_what, change) => {
    expect(() => loadEnv({ ...required, ...change })).toThrow();
  });
});
