import type { Stores } from "@trueclick/db/stores";
import { sql } from "drizzle-orm";
import type { Warmth } from "./warmth.ts";

/** Longer than this is as good as down: who asks wants to know now. */
const CHECK_TIMEOUT_MS = 2_000;

export interface Health {
  readonly ok: boolean;
  /** Or as warm as it gets. */
  readonly warm: boolean;
  readonly postgres: "ok" | "down";
  readonly clickhouse: "ok" | "down";
}

/**
 * Whether requests may be sent here: both stores answer, and nobody would have to wait for code to be loaded.
 * Never rejects: a store that is down is an answer.
 */
export async function checkHealth({ db, clickhouse }: Stores, warmth: Warmth): Promise<Health> {
  const warm = warmth.isOver();
  const [postgresOk, clickhouseOk] = await Promise.all([
    answersInTime(db.execute(sql`select 1`).then(() => true)),
    answersInTime(clickhouse.ping().then((ping) => ping.success)),
  ]);
  return {
    ok: warm && postgresOk && clickhouseOk,
    warm,
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
