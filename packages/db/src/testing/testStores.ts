import { createTestClickHouseDatabase } from "@trueclick/local-stack/testing";
import { openDatabase } from "../postgres/database.ts";
import { AnswerMemo, RECENT_CHARACTERS_MAX } from "../queries/answerMemo.ts";
import type { Stores } from "../stores.ts";
import { createMigratedDatabase } from "./migratedDatabase.ts";
import { migrateTestClickHouse, openTestClickHouse } from "./testClickHouse.ts";

/** A test needs few connections, and many tests run beside each other. */
const CONNECTIONS_MAX = 4;

export interface TestStores extends Stores {
  /** What a process of its own is told to reach them. */
  readonly urls: { readonly DATABASE_URL: string; readonly CLICKHOUSE_URL: string };
  close(): Promise<void>;
}

/** Both databases of one test file, empty and at the newest schema, on real engines. */
export async function openTestStores(): Promise<TestStores> {
  const [postgres, clickhouseDatabase] = await Promise.all([
    createMigratedDatabase(),
    createTestClickHouseDatabase(),
  ]);
  const { db, close } = openDatabase(postgres.url, { connectionsMax: CONNECTIONS_MAX });
  const clickhouse = openTestClickHouse(clickhouseDatabase.url);
  await migrateTestClickHouse(clickhouse);
  return {
    db,
    clickhouse,
    // As in the web app, so that every test of a report is one of what is remembered, too.
    memo: new AnswerMemo(),
    recent: new AnswerMemo(RECENT_CHARACTERS_MAX),
    urls: { DATABASE_URL: postgres.url, CLICKHOUSE_URL: clickhouseDatabase.url },
    close: async () => {
      await Promise.all([close(), clickhouse.close()]);
      await Promise.all([postgres.drop(), clickhouseDatabase.drop()]);
    },
  };
}
