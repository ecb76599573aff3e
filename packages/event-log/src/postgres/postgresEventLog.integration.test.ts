import { createTestDatabase, type TestDatabase } from "@trueclick/local-stack/testing";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type EventLog, LogUnavailableError } from "../port.ts";
import { drain } from "../testing/drain.ts";
import { createPostgresEventLog } from "./postgresEventLog.ts";

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let log: EventLog;
beforeAll(async () => {
  database = await createTestDatabase();
  log = createPostgresEventLog({ connectionString: database.url, appendTimeoutMs: 300 });
});
afterAll(() => database.drop());

async function openTopic(topic: string, retentionMs: number | null = null) {
  await log.admin().ensureTopic(topic, { partitionCount: 2, retentionMs });
  return { appender: await log.appender(topic), reader: await log.reader(topic) };
}

it("gives up an append that a lock holds up, and takes the next", async () => {
  const { appender, reader } = await openTopic("locked");
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query("BEGIN");
  await other.query("LOCK TABLE event_log.partitions IN ACCESS EXCLUSIVE MODE");
  const held = appender.append([{ partition: 0, value: Buffer.from("held") }]);
  await expect(held).rejects.toBeInstanceOf(LogUnavailableError);

  await other.query("ROLLBACK");
  await other.end();
  await appender.append([{ partition: 0, value: Buffer.from("next") }]);
  const values = (await drain(reader, 0)).map(({ value }) => value.toString());
  // The outcome of the first is unknown: here its statement went on once the lock was free.
  expect(values.at(-1)).toBe("next");
  await Promise.all([appender.close(), reader.close()]);
});

it("deletes what is past its retention, in every partition and however much it is", async () => {
  const { appender, reader } = await openTopic("retained", HOUR_MS);
  const now = Date.now();
  const aged = (partition: number, ageMs: number) => ({
    partition,
    value: Buffer.from("x"),
    appendTimeMs: now - ageMs,
  });
  const records = [
    ...Array.from({ length: 2_500 }, () => aged(0, 2 * HOUR_MS)),
    ...Array.from({ length: 10 }, () => aged(0, HOUR_MS / 2)),
    ...Array.from({ length: 3 }, () => aged(1, HOUR_MS / 2)),
  ];
  await log.admin().restore("retained", records);

  expect(await log.admin().applyRetention("retained")).toBe(2_500);
  expect(await log.admin().applyRetention("retained")).toBe(0);
  expect(await reader.offsets(0)).toEqual({ startOffset: 2_500n, endOffset: 2_510n });
  expect(await reader.offsets(1)).toEqual({ startOffset: 0n, endOffset: 3n });

  // Kept for ever when there is no retention.
  await log.admin().ensureTopic("retained", { partitionCount: 2, retentionMs: null });
  expect(await log.admin().applyRetention("retained")).toBe(0);
  await Promise.all([appender.close(), reader.close()]);
});
