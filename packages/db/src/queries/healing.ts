import { count, countDistinct, sql } from "drizzle-orm";
import { streamDirtyHours, streamGaps } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";

/** What of the hot store is still to be counted again, and what never can be. */
export interface HealingHealth {
  /** Hours that wait to be counted again from the archive. */
  readonly dirtyHours: number;
  /** Stretches that expired before the stream had read them; those that the archive lacks, too. */
  readonly gaps: { readonly found: number; readonly lost: number };
}

/** How far the hot store is from what the log said. Holds nothing of any tenant. */
export async function healingHealth({ db }: Pick<Stores, "db">): Promise<HealingHealth> {
  const { eventHour, healedAt, markedAt } = streamDirtyHours;
  const [[dirty], [gaps]] = await Promise.all([
    db
      .select({ hours: countDistinct(eventHour) })
      .from(streamDirtyHours)
      .where(sql`${healedAt} is null or ${healedAt} < ${markedAt}`),
    db
      .select({
        found: count(),
        lost: sql<number>`count(*) filter (where not ${streamGaps.archived})`.mapWith(Number),
      })
      .from(streamGaps),
  ]);
  return {
    dirtyHours: dirty?.hours ?? 0,
    gaps: { found: gaps?.found ?? 0, lost: gaps?.lost ?? 0 },
  };
}
