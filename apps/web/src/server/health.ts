import type { Stores } from "@trueclick/db/stores";
import { sql } from "drizzle-orm";

/** Longer than this is as good as down: who asks wants to know now. */
const CHECK_TIMEOUT_MS = 2_000;

export interface Health {
  readonly ok: boolean;
  readonly postgres: "ok" | "down";
  readonly clickhouse: "ok" | "down";
}

/** Whether both stores answer. Never rejects: a store that is down is an answer. */
export async function checkHealth({ db, clickhouse }: Stores): Promise<Health> {
  const [postgresOk, clickhouseOk] = await Promise.all([
    answersInTime(db.execute(sql`select 1`).then(() => true)),
    answersInTime(clickhouse.ping().then((ping) => ping.success)),
  ]);
  return {
    ok: postgresOk && clickhouseOk,
    postgres: postgresOk ? "ok" : "down",
    clickhouse: clickhouseOk ? "ok" : "down",
  };
}

async function answersInTime(check: Promise<boolean>): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
  try {
    return await Promise.race([check, timeout]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
