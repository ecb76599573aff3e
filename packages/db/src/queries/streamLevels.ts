import { desc } from "drizzle-orm";
import { streamLevelChanges } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";

/** Most changes that are shown. */
const CHANGES_SHOWN_MAX = 20;

export type StreamLevelChange = typeof streamLevelChanges.$inferSelect;

/** The last changes of how partitions are counted, newest first. Holds nothing of any tenant. */
export function lastLevelChanges({ db }: Pick<Stores, "db">): Promise<StreamLevelChange[]> {
  return db
    .select()
    .from(streamLevelChanges)
    .orderBy(desc(streamLevelChanges.changedAt), desc(streamLevelChanges.offsetFrom))
    .limit(CHANGES_SHOWN_MAX);
}
