/** Counts the demo's past for billing, in the background, and makes the one correction it has. */
import { setTimeout as pause } from "node:timers/promises";
import { truthCurrent } from "@trueclick/db/postgres/schema/truth";
import {
  isFinished,
  jobProgress,
  queueJobs,
  type TruthPartition,
} from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import type { EventLog } from "@trueclick/event-log";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { followJobs } from "../../batch/followJobs.ts";
import { waitForArchive } from "../../batch/waitForArchive.ts";
import type { EdgeClient } from "../../send/edgeClient.ts";
import type { Progress } from "../../terminal/progress.ts";
import {
  correctionDay,
  correctionEvents,
  type HistoryRange,
  historyDays,
} from "../domain/history.ts";
import { DEMO_ADVERTISERS, DEMO_MEMBER_ADVERTISER } from "../domain/organisation.ts";

/** So few jobs wait at once that one which a user asks for is soon at its turn. */
const WAITING_MAX = 6;
const POLL_MS = 300;
const LATE_CLICKS = 40;
const ALL = { kind: "all" } as const;
const SILENT: Progress = { show: () => {}, clear: () => {} };

export interface CountHistoryOptions {
  readonly stores: Stores;
  readonly log: EventLog;
  readonly edge: EdgeClient;
  readonly topic: string;
  readonly range: HistoryRange;
  readonly stop: AbortSignal;
}

/**
 * Counts every past day that has no version yet, newest first, then sends late clicks of a closed
 * day and counts that day again. What is done is seen in the stores, so it can be broken off at any
 * point and called again: the late clicks have the same ids each time.
 */
export async function countHistory(options: CountHistoryOptions): Promise<void> {
  const { stores, log, topic, range, stop } = options;
  const watching = { progress: SILENT, stop };
  await waitForArchive(stores.db, log, { topic, ...watching });
  await countMissingDays(stores, range, stop);

  const day = correctionDay(range.toMs, DEMO_MEMBER_ADVERTISER.timeZone);
  const late = correctionEvents(DEMO_MEMBER_ADVERTISER, day, LATE_CLICKS);
  await options.edge.send(late.map(({ event }) => Buffer.from(event)));
  await waitForArchive(stores.db, log, { topic, ...watching });
  const advertiserId = advertiserIdSchema.parse(DEMO_MEMBER_ADVERTISER.id);
  const { jobIds } = await queueJobs(stores, ALL, {
    partitions: [{ advertiserId, billingDay: day }],
    reason: "late clicks of phones that had been without a network",
    requestedBy: "demo",
  });
  await followJobs(stores, jobIds, watching);
}

async function countMissingDays(
  stores: Stores,
  range: HistoryRange,
  stop: AbortSignal,
): Promise<void> {
  const missing = await daysWithoutVersion(stores, range);
  let waiting: readonly number[] = [];
  for (;;) {
    stop.throwIfAborted();
    const jobs = await jobProgress(stores, ALL, waiting);
    waiting = jobs.filter((job) => !isFinished(job)).map(({ id }) => id);
    const next = missing.splice(0, WAITING_MAX - waiting.length);
    if (next.length > 0) {
      const reason = "first count of the demo's past";
      const { jobIds } = await queueJobs(stores, ALL, {
        partitions: next,
        reason,
        requestedBy: "demo",
      });
      waiting = [...waiting, ...jobIds];
    }
    if (waiting.length === 0) return;
    await pause(POLL_MS, null, { signal: stop });
  }
}

async function daysWithoutVersion({ db }: Stores, range: HistoryRange): Promise<TruthPartition[]> {
  const counted = await db
    .select({ advertiserId: truthCurrent.advertiserId, billingDay: truthCurrent.billingDay })
    .from(truthCurrent);
  const known = new Set(
    counted.map(({ advertiserId, billingDay }) => `${billingDay}/${advertiserId}`),
  );
  return DEMO_ADVERTISERS.flatMap((advertiser) => {
    const advertiserId = advertiserIdSchema.parse(advertiser.id);
    return historyDays(advertiser, range).map((billingDay) => ({ advertiserId, billingDay }));
  })
    .filter(({ advertiserId, billingDay }) => !known.has(`${billingDay}/${advertiserId}`))
    .sort((a, b) => (a.billingDay < b.billingDay ? 1 : -1));
}
