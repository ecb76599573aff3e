import { randomUUID } from "node:crypto";
import { ClickHouseError } from "@clickhouse/client";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { HOUR_MS } from "@trueclick/shared/time";
import { isNull } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { createClickHouseCopySearch } from "./adapters/clickhouseCopySearch.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

let world: BatchWorld;
beforeAll(async () => {
  // On a cluster nothing is filtered.
  vi.stubEnv("TEST_CLICKHOUSE_SHARDS", "1");
  world = await openBatchWorld();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await world.close();
});
afterEach(async () => {
  vi.restoreAllMocks();
  // A table goes after the filter that is made of it.
  for (const { name, engine } of (await kept(world)).sort((a, b) =>
    a.engine < b.engine ? -1 : 1,
  )) {
    const kind = engine === "Dictionary" ? "DICTIONARY" : "TABLE";
    await world.archive.clickhouse.command({ query: `DROP ${kind} ${name} SYNC` });
  }
});

/** Looks up what is new in some world, by a filter however few it is. */
async function searchFiltered({ archive }: BatchWorld): Promise<void> {
  const { db, clickhouse, clickhouseObjects, topic } = archive;
  await createClickHouseCopySearch(db, clickhouse, clickhouseObjects, topic, 0).search();
}

/** One click for each id, an hour so far from noon; each has a token of the same name. */
async function archiveIds({ archive }: BatchWorld, ids: readonly string[], hour: number) {
  const event_time = NOON_MS + hour * HOUR_MS;
  const token = (id: string) => ({ flags: ["token_ok" as const], impression_id: `imp-${id}` });
  await archive.append(
    ids.map((id) => storedEvent({ event_id: id, event_time, ...token(id) })),
    NOON_MS + 2 * HOUR_MS,
  );
  await archive.archiveAll();
}

const idsOf = (many: number) => Array.from({ length: many }, () => `evt-${randomUUID()}`);

/** Which of some ids are noted to have copies, and in which hours; the same of their tokens. */
async function copiesOf({ archive }: BatchWorld, ids: readonly string[]) {
  // No parameter: they are too many for an address.
  const list = ids.map((id) => `'${id}'`).join(",");
  const answer = await archive.clickhouse.query({
    query: `
      SELECT event_id AS id, groupUniqArray(intDiv(toInt64(toUnixTimestamp(event_hour)), 3600)) AS hours
      FROM event_copies
      WHERE event_id IN (${list})
        OR event_id IN (SELECT concat('token:', hex(sipHash128(concat('imp-', id), 'ad_1')))
          FROM (SELECT arrayJoin([${list}]) AS id))
      GROUP BY event_id`,
    format: "JSONEachRow",
    clickhouse_settings: { max_query_size: "1048576" },
  });
  const rows = z
    .array(z.object({ id: z.string(), hours: z.array(z.coerce.number()) }))
    .parse(await answer.json());
  const told = rows.map(({ id, hours }) => {
    return [id, hours.map((hour) => hour - NOON_MS / HOUR_MS).sort((a, b) => a - b)] as const;
  });
  return {
    ids: new Map(told.filter(([id]) => !id.startsWith("token:"))),
    tokens: told.filter(([id]) => id.startsWith("token:")).map(([, hours]) => hours),
  };
}

/** What lies in the memory of the engine: tables, and the filters that are made of them. */
async function kept({ archive }: BatchWorld) {
  const answer = await archive.clickhouse.query({
    query: `SELECT name, engine FROM system.tables
      WHERE database = currentDatabase() AND engine IN ('Memory', 'Dictionary')
        AND name NOT LIKE '.inner%'`,
    format: "JSONEachRow",
  });
  return z.array(z.object({ name: z.string(), engine: z.string() })).parse(await answer.json());
}

/** The statements that are sent, by name, and what is done before one of them. */
function tellSent(
  { archive: { clickhouse } }: BatchWorld,
  before: Readonly<Record<string, () => Promise<void>>> = {},
): string[] {
  const sent: string[] = [];
  const tell = async (comment: unknown) => {
    sent.push(String(comment));
    await before[String(comment)]?.();
  };
  const command = clickhouse.command.bind(clickhouse);
  const query = clickhouse.query.bind(clickhouse);
  vi.spyOn(clickhouse, "command").mockImplementation(async (params) => {
    await tell(params.clickhouse_settings?.log_comment);
    return command(params);
  });
  vi.spyOn(clickhouse, "query").mockImplementation((params) =>
    tell(params.clickhouse_settings?.log_comment).then(() => query(params)),
  );
  return sent;
}

const unsearched = ({ archive }: BatchWorld) =>
  archive.db.select().from(archiveObjects).where(isNull(archiveObjects.copiesSearchedAt));

it.each([
  ["one hour", [-1]],
  ["two hours", [-2, -1]],
  ["more hours", [-4, -3, -2, -1]],
])("finds by a filter exactly the ids and tokens that come back in %s", async (_how, hours) => {
  const [own, again] = [idsOf(1_500), idsOf(20)];
  await archiveIds(world, [...own, ...again], -6);
  await searchFiltered(world);
  const news = await Promise.all(hours.map(async () => idsOf(700)));
  for (const [at, hour] of hours.entries()) {
    await archiveIds(world, [...(news[at] ?? []), ...again], hour);
  }
  const sent = tellSent(world);
  await searchFiltered(world);
  expect(sent.filter((name) => name === "batch.filter.create")).toHaveLength(2);
  const copies = await copiesOf(world, [...own, ...again, ...news.flat()]);
  expect(copies.ids).toEqual(new Map(again.map((id) => [id, [-6, ...hours]])));
  expect(copies.tokens).toEqual(again.map(() => [-6, ...hours]));
  expect(await kept(world)).toEqual([]);
});

it.each([
  ["batch.filter.create", "before the filter was made of them"],
  ["batch.searchCopies", "before they were looked up"],
])("takes no object for looked up whose ids were gone from memory: %s", async (step, _when) => {
  const ids = idsOf(5);
  await archiveIds(world, ids, -6);
  await searchFiltered(world);
  await archiveIds(world, ids, -1);
  const forget = async () => {
    for (const { name } of (await kept(world)).filter(({ engine }) => engine === "Memory")) {
      if (!name.startsWith("event_index_")) continue;
      await world.archive.clickhouse.command({ query: `TRUNCATE TABLE ${name}` });
    }
  };
  tellSent(world, { [step]: forget });
  await expect(searchFiltered(world)).rejects.toThrow(/^event_index_\w+ is not what it was: /);
  expect(await unsearched(world)).not.toEqual([]);
  expect(await kept(world)).toEqual([]);
  vi.restoreAllMocks();
  await searchFiltered(world);
  expect(await unsearched(world)).toEqual([]);
  expect((await copiesOf(world, ids)).ids.size).toBe(ids.length);
});

// A server that asks its own user for a password makes none.
it("finds the same where the engine makes no filter, and leaves nothing", async () => {
  const ids = idsOf(5);
  await archiveIds(world, ids, -6);
  await searchFiltered(world);
  await archiveIds(world, ids, -1);
  const query = world.archive.clickhouse.query.bind(world.archive.clickhouse);
  vi.spyOn(world.archive.clickhouse, "query").mockImplementation((params) => {
    if (params.clickhouse_settings?.log_comment !== "batch.filter.load") return query(params);
    throw new ClickHouseError({
      message: "no such user",
      code: "516",
      type: "AUTHENTICATION_FAILED",
    });
  });
  await searchFiltered(world);
  const copies = await copiesOf(world, ids);
  expect([copies.ids.size, copies.tokens.length]).toEqual([5, 5]);
  vi.restoreAllMocks();
  expect(await kept(world)).toEqual([]);
});

/** A table of ids with its filter, as a search has them, that somebody made so long ago. */
async function leave(name: string, agoMs: number): Promise<void> {
  const since = Date.now() - agoMs;
  const query = `SELECT id_hash AS slot FROM \`${await databaseOf(world)}\`.${name}`;
  for (const statement of [
    `CREATE TABLE ${name} (id_hash UInt64) ENGINE = Memory COMMENT '${since} 1'`,
    `CREATE DICTIONARY ${name}_filter (slot UInt64) PRIMARY KEY slot
      SOURCE(CLICKHOUSE(QUERY '${query}')) LAYOUT(FLAT()) LIFETIME(0) COMMENT '${since}'`,
  ]) {
    await world.archive.clickhouse.command({ query: statement });
  }
}

async function databaseOf({ archive }: BatchWorld): Promise<string> {
  const answer = await archive.clickhouse.query({
    query: "SELECT currentDatabase() AS name",
    format: "JSONEachRow",
  });
  const [row] = z.tuple([z.object({ name: z.string() })]).parse(await answer.json());
  return row.name;
}

// The engine drops no table that a filter is made of: left alone, one death would end all searches.
it("drops what processes have left which died, and nothing else", async () => {
  await leave("event_index_left", 2 * HOUR_MS);
  await leave("token_uses_left", 2 * HOUR_MS);
  await leave("event_index_young", 0);
  await archiveIds(world, idsOf(1), -1);
  await world.stores.copySearch.search();
  await archiveIds(world, idsOf(1), -2);
  await searchFiltered(world);
  expect((await kept(world)).map(({ name }) => name).sort()).toEqual([
    "event_index_young",
    "event_index_young_filter",
  ]);
});

// Of as many nobody names each: they are searched again while they are noted.
it("notes thousands of ids and tokens that come back", async () => {
  const ids = idsOf(1_200);
  await archiveIds(world, [...ids, ...idsOf(50)], -6);
  await searchFiltered(world);
  await archiveIds(world, [...ids, ...idsOf(50)], -1);
  await searchFiltered(world);
  const copies = await copiesOf(world, ids);
  expect(copies.ids).toEqual(new Map(ids.map((id) => [id, [-6, -1]])));
  expect(copies.tokens).toEqual(ids.map(() => [-6, -1]));
});

it("makes no filter for a few rows", async () => {
  await archiveIds(world, idsOf(5), -1);
  const sent = tellSent(world);
  await world.stores.copySearch.search();
  expect(sent).toContain("batch.searchCopies");
  expect(sent).not.toContain("batch.filter.create");
});

// A dictionary is one node's, and so is the table that it is made of.
it("finds the same on two shards, without a filter", async () => {
  vi.stubEnv("TEST_CLICKHOUSE_SHARDS", "2");
  const sharded = await openBatchWorld();
  try {
    const [own, again] = [idsOf(20), idsOf(5)];
    await archiveIds(sharded, [...own, ...again], -6);
    await searchFiltered(sharded);
    await archiveIds(sharded, again, -1);
    const sent = tellSent(sharded);
    await searchFiltered(sharded);
    expect(sent).toContain("batch.searchCopies");
    expect(sent).not.toContain("batch.filter.create");
    const copies = await copiesOf(sharded, [...own, ...again]);
    expect(copies.ids).toEqual(new Map(again.map((id) => [id, [-6, -1]])));
    expect(copies.tokens).toEqual(again.map(() => [-6, -1]));
  } finally {
    vi.stubEnv("TEST_CLICKHOUSE_SHARDS", "1");
    await sharded.close();
  }
}, 60_000);
