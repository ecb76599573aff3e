import { max, min } from "drizzle-orm";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";

export interface StreamState {
  /** The least of the partitions' watermarks, epoch milliseconds; null before any event. */
  readonly watermarkMs: number | null;
  /** The highest degradation level of any partition, 0 to 3. */
  readonly level: number;
}

/** How far the stream is over all partitions. Holds nothing of any tenant. */
export async function streamState({ db }: Pick<Stores, "db">): Promise<StreamState> {
  const [row] = await db
    .select({
      watermarkMs: min(streamCheckpoints.watermarkMs),
      level: max(streamCheckpoints.level),
    })
    .from(streamCheckpoints);
  return { watermarkMs: row?.watermarkMs ?? null, level: row?.level ?? 0 };
}
