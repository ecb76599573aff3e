import { bigint, timestamp } from "drizzle-orm/pg-core";

/** An instant. Always with zone, always to the microsecond of Postgres. */
export const instant = () => timestamp({ withTimezone: true, mode: "date" });

/** Offsets, money and counts that may pass 2^53. */
export const big = () => bigint({ mode: "bigint" });

/** Epoch milliseconds, and counts that stay below 2^53. */
export const whole = () => bigint({ mode: "number" });

export const createdAt = () => instant().notNull().defaultNow();
