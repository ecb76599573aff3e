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

  it("reads keys of tokens by their ids", () => {
    const secret = Buffer.from("sixteen bytes at least");
    const json = JSON.stringify({ "2026-06": secret.toString("base64") });
    const { TOKEN_KEYS } = loadEnv({ ...required, TOKEN_KEYS: json });
    expect(TOKEN_KEYS).toEqual(new Map([["2026-06", new Uint8Array(secret)]]));
  });

  it.each([
    ["keys of tokens that are no JSON", { TOKEN_KEYS: "k1=secret" }],
    ["no key of tokens", { TOKEN_KEYS: "{}" }],
    ["a short key of tokens", { TOKEN_KEYS: '{"k1":"c2hvcnQ="}' }],
    [
      "a key of tokens whose id no token can hold",
      { TOKEN_KEYS: '{"a.b":"c2l4dGVlbiBieXRlcyBhdCBsZWFzdA=="}' },
    ],
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
