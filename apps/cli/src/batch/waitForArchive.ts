/** Waits until the archive holds everything that the log held at the call. */
import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveCheckpoints, archiveFlushRequests } from "@trueclick/db/postgres/schema/archive";
import type { EventLog } from "@trueclick/event-log";
import { eq, sql } from "drizzle-orm";
import { endOffsets, missingRecords } from "../stack/endOffsets.ts";
import { CliError } from "../terminal/errors.ts";
import type { Progress } from "../terminal/progress.ts";

const POLL_MS = 200;
/** The archive may have been asked before it had read so far; then it is asked again. */
const ASK_AGAIN_MS = 2_000;
/** Without any progress for so long, nobody archives. */
const STALLED_MS = 60_000;

export interface WaitForArchiveOptions {
  readonly topic: string;
  readonly progress: Progress;
  readonly stop: AbortSignal;
}

/** @throws {CliError} `archive_stalled` when it does not move, `stopped` when the user stops. */
export async function waitForArchive(
  db: Database,
  log: EventLog,
  { topic, progress, stop }: WaitForArchiveOptions,
): Promise<void> {
  const ends = await endOffsets(log, topic);
  const total = ends.reduce((sum, end) => sum + end, 0n);
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let movedAtMs = Date.now();
  let missingBefore = -1n;
  for (;;) {
    const missing = missingRecords(ends, await readCheckpoints(db, topic));
    if (missing === 0n) break;
    const nowMs = Date.now();
    if (missing !== missingBefore) movedAtMs = nowMs;
    missingBefore = missing;
    if (nowMs - movedAtMs > STALLED_MS) {
      throw new CliError(
        "archive_stalled",
        `The archive lacks ${missing} records and has not moved for a minute. Does the aggregator run?`,
      );
    }
    if (nowMs - askedAtMs >= ASK_AGAIN_MS) {
      await askForFlush(db, topic);
      askedAtMs = nowMs;
    }
    progress.show(Number(total - missing) / Number(total), "archiving");
    await pause(POLL_MS, null, { signal: stop }).catch(() => {
      throw new CliError("stopped", "Stopped.");
    });
  }
  progress.clear();
}

function readCheckpoints(db: Database, topic: string) {
  const { partition, nextOffset } = archiveCheckpoints;
  return db
    .select({ partition, nextOffset })
    .from(archiveCheckpoints)
    .where(eq(archiveCheckpoints.topic, topic));
}

async function askForFlush(db: Database, topic: string): Promise<void> {
  const requestedAt = sql`clock_timestamp()`;
  await db
    .insert(archiveFlushRequests)
    .values({ topic, requestedAt })
    .onConflictDoUpdate({ target: archiveFlushRequests.topic, set: { requestedAt } });
}
