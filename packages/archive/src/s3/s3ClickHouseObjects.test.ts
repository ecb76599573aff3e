import { expect, it } from "vitest";
import { createS3Objects } from "./s3ClickHouseObjects.ts";

const SETTINGS = {
  ...{ endpoint: "http://127.0.0.1:9", bucket: "archive", region: "us-east-1" },
  ...{ accessKeyId: "key", secretAccessKey: "secret", pathStyle: true },
};
const PATHS = ["raw/event_hour=2026-11-23T10/p0-0-9.parquet"];

// All that is worked out about rows stands around this sub-query, and so is the same on a cluster.
it("has a cluster's nodes read objects together, and nothing else", () => {
  const one = createS3Objects(SETTINGS).rowsOf(PATHS);
  const many = createS3Objects(SETTINGS, "clicks").rowsOf(PATHS);
  expect(one).toMatch(/\bFROM s3\(trueclick_archive_/);
  expect(many).toBe(one.replace("FROM s3(", "FROM s3Cluster('clicks', "));
});
