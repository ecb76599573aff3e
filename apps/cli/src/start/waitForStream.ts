import { setTimeout as pause } from "node:timers/promises";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { eq } from "drizzle-orm";
import { endOffsets, missingRecords } from "../stack/endOffsets.ts";
import { openEventLog, withStores } from "../stack/openStores.ts";
import type { StackFile } from "../stack/stackFile.ts";
import type { Progress } from "../terminal/progress.ts";

const POLL_MS = 250;

/**
 * Waits until the stream has counted what the log holds now, at most `withinMs`: until then, new
 * clicks would stand in line behind old ones. Answers whether it has.
 */
export async function waitForStream(
  stack: StackFile,
  progress: Progress,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const ends = await endOffsets(openEventLog(stack), stack.eventsTopic);
  const total = Number(ends.reduce((sum, end) => sum + end, 0n));
  const deadline = Date.now() + withinMs;
  const { partition, nextOffset } = streamCheckpoints;
  return withStores(stack, async ({ db }) => {
    while (Date.now() < deadline) {
      const checkpoints = await db
        .select({ partition, nextOffset })
        .from(streamCheckpoints)
        .where(eq(streamCheckpoints.topic, stack.eventsTopic));
      const missing = Number(missingRecords(ends, checkpoints));
      if (missing === 0) return true;
      progress.show(1 - missing / total, "counting the demo's past");
      await pause(POLL_MS, null, { signal });
    }
    return false;
  });
}
