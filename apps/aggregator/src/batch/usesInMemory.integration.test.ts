import { randomUUID } from "node:crypto";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { isNull } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { USES_IN_MEMORY } from "./adapters/clickhouseTokenUses.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayBounds(dayOf(NOON_MS, "UTC"), "UTC");

let world: BatchWorld;
beforeAll(async () => {
  // On a cluster no uses are in memory.
  vi.stubEnv("TEST_CLICKHOUSE_SHARDS", "1");
  world = await openBatchWorld();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await world.close();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const table of await tablesInMemory()) {
    await world.archive.clickhouse.command({ query: `DROP TABLE ${table} SYNC` });
  }
});

/** Archives a click of one token in each of some hours, of a campaign that nobody else has. */
async function archiveReplays(hours: readonly number[]) {
  const campaign = campaignIdSchema.parse(`cmp_${randomUUID()}`);
  const token = { flags: ["token_ok" as const], impression_id: randomUUID() };
  const at = async (hour: number) => {
    const event_time = NOON_MS + hour * HOUR_MS;
    const click = { event_id: randomUUID(), campaign_id: campaign, event_time, ...token };
    await world.archive.append([storedEvent(click)]);
    await world.archive.archiveAll();
  };
  for (const hour of hours) await at(hour);
  const pinned = { id: campaign, startsMs: null, endsMs: null };
  const lists = { rates: [], statuses: [], requirements: [] };
  const hoursFound = async () => {
    const paths = await world.stores.engine.findCopies([{ ...pinned, ...lists }], DAY);
    const found = paths.map((path) => path.slice("raw/event_hour=".length).slice(0, 13));
    return found
      .map((hour) => (Date.parse(`${hour}:00:00Z`) - NOON_MS) / HOUR_MS)
      .sort((a, b) => a - b);
  };
  return { at, hoursFound };
}

async function tablesInMemory(): Promise<string[]> {
  const answer = await world.archive.clickhouse.query({
    query:
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'Memory'",
    format: "JSONEachRow",
  });
  const rows = z.array(z.object({ name: z.string() })).parse(await answer.json());
  return rows.map(({ name }) => name);
}

/** The statements that were sent, by name, and what is done before one of them. */
function tellSent(before: Readonly<Record<string, () => Promise<void>>> = {}): string[] {
  const { clickhouse } = world.archive;
  const command = clickhouse.command.bind(clickhouse);
  const sent: string[] = [];
  vi.spyOn(clickhouse, "command").mockImplementation(async (params) => {
    const name = String(params.clickhouse_settings?.log_comment);
    sent.push(name);
    await before[name]?.();
    return command(params);
  });
  return sent;
}

async function emptyTables(): Promise<void> {
  const tables = await tablesInMemory();
  expect(tables).toHaveLength(1);
  for (const table of tables) {
    await world.archive.clickhouse.command({ query: `TRUNCATE TABLE ${table}` });
  }
}

const unsearched = () =>
  world.archive.db.select().from(archiveObjects).where(isNull(archiveObjects.copiesSearchedAt));

const search = () => world.stores.copySearch.search();

it.each([
  ["one hour", [0]],
  ["two hours", [-2, 0]],
  ["more hours", [-6, -4, -2, 0]],
])("finds a token again that comes back in %s, by what is in memory", async (_how, hours) => {
  const { at, hoursFound } = await archiveReplays([-8]);
  await search();
  const sent = tellSent();
  for (const hour of hours) await at(hour);
  await search();
  expect(sent).toContain("batch.keepUses");
  expect(await hoursFound()).toEqual([-8, ...hours]);
  expect(await tablesInMemory()).toEqual([]);
});

// What is found in memory alone would be found once: a use that comes later looks for it on disk.
it("keeps what was in memory, for those that come later", async () => {
  const { at, hoursFound } = await archiveReplays([0]);
  await search();
  await at(-3);
  await search();
  await at(-5);
  await search();
  expect(await hoursFound()).toEqual([-5, -3, 0]);
});

// Uses that nobody has written are never found again, and each click that bears the token is billed.
it("takes no object for looked up whose uses were gone from memory before they were written", async () => {
  const { at, hoursFound } = await archiveReplays([0]);
  await search();
  await at(-3);
  tellSent({ "batch.keepUses": emptyTables });
  await expect(search()).rejects.toThrow(/^token_uses_\w+ is not what it was: /);
  expect(await unsearched()).toHaveLength(1);
  expect(await tablesInMemory()).toEqual([]);
  vi.restoreAllMocks();
  await search();
  expect(await unsearched()).toEqual([]);
  expect(await hoursFound()).toEqual([-3, 0]);
});

it("writes uses to disk at once where there is no room for them, and finds the same", async () => {
  const { at, hoursFound } = await archiveReplays([0]);
  await search();
  await world.archive.clickhouse.command({
    query: `CREATE TABLE token_uses_left AS token_uses ENGINE = Memory
      COMMENT '${Date.now()} ${USES_IN_MEMORY.rowsMax}'`,
  });
  const sent = tellSent();
  await at(-3);
  await search();
  expect(sent).not.toContain("batch.keepUses");
  expect(await hoursFound()).toEqual([-3, 0]);
  expect(await tablesInMemory()).toEqual(["token_uses_left"]);
});
