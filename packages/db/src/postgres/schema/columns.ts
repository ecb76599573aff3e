import { sql } from "drizzle-orm";
import { bigint, timestamp } from "drizzle-orm/pg-core";

/** An instant. Always with zone, always to the microsecond of Postgres. */
export const instant = () => timestamp({ withTimezone: true, mode: "date" });

/** Offsets, money and counts that may pass 2^53. */
export const big = () => bigint({ mode: "bigint" });

/** Epoch milliseconds, and counts that stay below 2^53. */
export const whole = () => bigint({ mode: "number" });

export const createdAt = () => instant().notNull().defaultNow();

/**
 * When the row itself was written: unlike `now()`, later than the start of its transaction, which may
 * be long past when a large import commits.
 */
export const recordedAt = () => instant().notNull().default(sql`clock_timestamp()`);
