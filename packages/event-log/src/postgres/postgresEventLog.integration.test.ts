import { randomBytes } from "node:crypto";
import { createTestDatabase, type TestDatabase } from "@trueclick/local-stack/testing";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type EventLog, LogUnavailableError } from "../port.ts";
import { drain } from "../testing/drain.ts";
import { openWayTo } from "../testing/wayTo.ts";
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

// What is sent lies in memory that is used again. Taken too early, the log would get the frames of a
// later append in the place of these, or halves of both.
it("sends an append that it gave up as it was, whatever is appended meanwhile", async () => {
  const { reader } = await openTopic("given up");
  const way = await openWayTo(database.url);
  const byWay = createPostgresEventLog({ connectionString: way.url, appendTimeoutMs: 1_000 });
  const appender = await byWay.appender("given up");
  // The long ones, with memory of their own, fill the sockets on the way; the short ones behind them
  // have to wait in ours, side by side.
  const appendMuch = () => {
    const long = Array.from({ length: 60 }, () => randomBytes(100_000));
    const values = [...long, ...Array.from({ length: 100 }, () => randomBytes(30_000))];
    const appended = appender.append(values.map((value) => ({ partition: 0, value })));
    return { values, appended };
  };
  // From here on both connections are open.
  const little = [{ partition: 0, value: Buffer.from("little") }];
  await Promise.all([appender.append(little), appender.append(little)]);
  const before = (await reader.offsets(0)).endOffset;
  way.hold();
  const first = appendMuch();
  await expect(first.appended).rejects.toBeInstanceOf(LogUnavailableError);
  const second = appendMuch();
  await expect(second.appended).rejects.toBeInstanceOf(LogUnavailableError);
  way.letGo();

  const endOffset = async () => (await reader.offsets(0)).endOffset;
  await expect.poll(endOffset, { timeout: 120_000 }).toBe(before + 320n);
  const stored = (await drain(reader, 0, before)).map(({ value }) => value.toString("hex"));
  const sent = [...first.values, ...second.values].map((value) => value.toString("hex"));
  expect(stored.toSorted()).toEqual(sent.toSorted());
  await appender.close();
  await way.close();
  await reader.close();
});

/** Of a producer that speaks SQL: a few records, in the order of their partitions and not, and many. */
const ORDERS = [[0, 1], [0, 0, 1, 1], [1, 0, 1], Array.from({ length: 20 }, (_, at) => at % 2)];
const APPENDS = 40;

async function appendBySql(topic: string, name: number) {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const placed = new Map<string, string>();
  for (let append = 0; append < APPENDS; append += 1) {
    const partitions = ORDERS[(append + name) % ORDERS.length] ?? [];
    const values = partitions.map((_, at) => `${name}:${append * 100 + at}`);
    const { rows } = await client.query<{ offsets: string[] }>(
      "SELECT event_log.append_packed($1, $2, $3, $4, 0::smallint) AS offsets",
      [topic, partitions, values.map(({ length }) => length), Buffer.from(values.join(""))],
    );
    for (const [at, offset] of (rows[0]?.offsets ?? []).entries()) {
      placed.set(`${partitions[at]}/${offset}`, values[at] ?? "");
    }
  }
  await client.end();
  return placed;
}

// They wait for one another's rows: met in any other order than that of their numbers, two appends
// would each wait for the other.
it("places few records and many, in any order of partitions, for many producers at once", async () => {
  const { appender, reader } = await openTopic("placed");
  const answers = await Promise.all([0, 1, 2, 3].map((name) => appendBySql("placed", name)));
  const told = new Map(answers.flatMap((placed) => [...placed]));
  const found = (await Promise.all([0, 1].map((partition) => drain(reader, partition)))).flat();
  const places = found.map(({ partition, offset, value }) => {
    return [`${partition}/${offset}`, value.toString()] as const;
  });
  expect(new Map(places)).toEqual(told);
  expect(told.size).toBe(4 * (APPENDS / ORDERS.length) * (2 + 4 + 3 + 20));
  for (const partition of [0, 1]) {
    const own = found.filter((record) => record.partition === partition);
    expect(own.map(({ offset }) => offset)).toEqual(own.map((_, at) => BigInt(at)));
    expect(own.map(({ appendTimeMs }) => appendTimeMs)).toEqual(
      own.map(({ appendTimeMs }) => appendTimeMs).sort((left, right) => left - right),
    );
    for (const name of [0, 1, 2, 3]) {
      const numbers = own.flatMap(({ value }) => {
        const [who, number] = value.toString().split(":");
        return who === String(name) ? [Number(number)] : [];
      });
      expect(numbers).toEqual([...numbers].sort((left, right) => left - right));
    }
  }
  await Promise.all([appender.close(), reader.close()]);
});

// Thrown as it came, it would end whoever reads the other partitions, too, and at every start again.
it("gives what lies before a damaged record, then says which it is for as long as it is there", async () => {
  const { appender, reader } = await openTopic("damaged");
  for (const value of ["one", "two"])
    await appender.append([{ partition: 1, value: Buffer.from(value) }]);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("SELECT event_log.append_packed($1, ARRAY[1], ARRAY[4], $2, 1::smallint)", [
    "damaged",
    Buffer.from("torn"),
  ]);
  await appender.append([{ partition: 1, value: Buffer.from("behind") }]);
  const { signal } = new AbortController();
  const read = (fromOffset: bigint) =>
    reader.read({ partition: 1, fromOffset, recordsMax: 10, waitMs: 0, signal });
  expect((await read(0n)).map(({ value }) => value.toString())).toEqual(["one", "two"]);
  const fault = await read(2n).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(LogUnavailableError);
  expect(fault).toMatchObject({ message: expect.stringContaining("partition 1 at offset 2") });
  await client.query(`UPDATE event_log.records SET codec = 0 WHERE value = $1`, [
    Buffer.from("torn"),
  ]);
  expect((await read(2n)).map(({ value }) => value.toString())).toEqual(["torn", "behind"]);
  await Promise.all([client.end(), appender.close(), reader.close()]);
});

it("refuses an append to a partition that is not there, and keeps nothing of it", async () => {
  const { appender, reader } = await openTopic("missing");
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const partitions of [[0, 2], [2, 0], Array.from({ length: 20 }, (_, at) => at % 3)]) {
    const values = [partitions, partitions.map(() => 1), Buffer.alloc(partitions.length, "x")];
    const append = client.query(
      "SELECT event_log.append_packed('missing', $1, $2, $3, 0::smallint)",
      values,
    );
    await expect(append).rejects.toThrow('no such partition in topic "missing"');
  }
  await client.end();
  expect(await reader.offsets(0)).toEqual({ startOffset: 0n, endOffset: 0n });
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
