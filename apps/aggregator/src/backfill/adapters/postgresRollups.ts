import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import {
  hotRollups,
  streamCheckpoints,
  streamDirtyHours,
  streamGaps,
} from "@trueclick/db/postgres/schema/stream";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, count, eq, gt, isNotNull, isNull, lt, min, or, sql } from "drizzle-orm";
import { z } from "zod";
import { countsByQuarter } from "../domain/spans.ts";
import type { Rollups } from "../ports/rollups.ts";

const clockSchema = z.tuple([z.object({ now_ms: z.coerce.number() })]);

/** For so long a rollup waits for an hour to be counted again; minutes are kept for twice that. */
const BROKEN_MAX_MS = 24 * HOUR_MS;

/** Keeps the border between hours and minutes in `hot_rollups`. */
export function createPostgresRollups(db: Database, topic: string): Rollups {
  /** Zones are few, and working one out takes a while. */
  const isQuartered = new Map<string, boolean>();

  return {
    async state() {
      const [clock] = clockSchema.parse(
        (
          await db.execute(
            sql`select floor(extract(epoch from clock_timestamp()) * 1000) as now_ms`,
          )
        ).rows,
      );
      const [border] = await db.select().from(hotRollups).where(eq(hotRollups.topic, topic));
      const checkpoints = await db
        .select()
        .from(streamCheckpoints)
        .where(eq(streamCheckpoints.topic, topic));
      return {
        brokenMs: await brokenMs(db, topic),
        rolledThroughMs: border?.rolledThrough.getTime() ?? null,
        nowMs: clock.now_ms,
        partitions: new Map(checkpoints.map((row) => [row.partition, row])),
      };
    },

    async advance(rolledThroughMs) {
      const rolledThrough = new Date(rolledThroughMs);
      await db
        .insert(hotRollups)
        .values({ topic, rolledThrough })
        .onConflictDoUpdate({
          target: hotRollups.topic,
          set: {
            rolledThrough: sql`greatest(${hotRollups.rolledThrough}, excluded.rolled_through)`,
            updatedAt: sql`clock_timestamp()`,
          },
        });
    },

    async quarterAdvertisers() {
      const rows = await db
        .select({ id: advertisers.id, timeZone: advertisers.timeZone })
        .from(advertisers);
      const quartered = rows.filter(({ timeZone }) => {
        const known = isQuartered.get(timeZone) ?? countsByQuarter(timeZone);
        isQuartered.set(timeZone, known);
        return known;
      });
      return new Set(quartered.map(({ id }) => id));
    },
  };
}

async function brokenMs(db: Database, topic: string): Promise<number | null> {
  const { eventHour, healedAt, markedAt } = streamDirtyHours;
  const since = sql`clock_timestamp() - make_interval(secs => ${BROKEN_MAX_MS / SECOND_MS})`;
  const [gaps] = await db
    .select({ unsettled: count() })
    .from(streamGaps)
    .where(
      and(
        eq(streamGaps.topic, topic),
        isNotNull(streamGaps.unsureUntil),
        gt(streamGaps.foundAt, since),
      ),
    );
  if ((gaps?.unsettled ?? 0) > 0) return 0;
  const [broken] = await db
    .select({ oldest: min(eventHour) })
    .from(streamDirtyHours)
    .where(
      and(
        eq(streamDirtyHours.topic, topic),
        eq(streamDirtyHours.cause, "expired"),
        or(isNull(healedAt), lt(healedAt, markedAt)),
        gt(markedAt, since),
      ),
    );
  return broken?.oldest?.getTime() ?? null;
}
