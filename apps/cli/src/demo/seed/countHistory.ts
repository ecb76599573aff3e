/** Counts the demo's past for billing, in the background, and makes the one correction it has. */
import { truthCurrent } from "@trueclick/db/postgres/schema/truth";
import { listAdvertisers } from "@trueclick/db/queries/advertisers";
import { closesAtMs } from "@trueclick/db/queries/finality";
import { queueJobs } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import type { EventLog } from "@trueclick/event-log";
import { dayBounds, type IsoDay } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema } from "@trueclick/shared/ids";
import { followJobs } from "../../batch/followJobs.ts";
import { waitForArchive } from "../../batch/waitForArchive.ts";
import type { EdgeClient } from "../../send/edgeClient.ts";
import type { Progress } from "../../terminal/progress.ts";
import { countOrder } from "../domain/countOrder.ts";
import {
  correctionDay,
  correctionEvents,
  type HistoryRange,
  historyDays,
} from "../domain/history.ts";
import { DEMO_ADVERTISERS, DEMO_MEMBER_ADVERTISER } from "../domain/organisation.ts";

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
 * Counts every past day that has no version yet, then sends late clicks of a closed day and counts
 * that day again. One job of each advertiser waits at a time, so that one which a user asks for is
 * soon at its turn. What is done is seen in the stores, so it can be broken off at any
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

/** Each advertiser's days one after the other, those of several advertisers side by side. */
async function countMissingDays(
  stores: Stores,
  range: HistoryRange,
  stop: AbortSignal,
): Promise<void> {
  const orders = await ordersOf(stores, range);
  await Promise.all(
    orders.map(async ({ advertiserId, order }) => {
      for (const billingDay of order) {
        stop.throwIfAborted();
        const { jobIds } = await queueJobs(stores, ALL, {
          partitions: [{ advertiserId, billingDay }],
          reason: "first count of the demo's past",
          requestedBy: "demo",
        });
        await followJobs(stores, jobIds, { progress: SILENT, stop });
      }
    }),
  );
}

interface AdvertiserOrder {
  readonly advertiserId: AdvertiserId;
  readonly order: readonly IsoDay[];
}

async function ordersOf(stores: Stores, range: HistoryRange): Promise<AdvertiserOrder[]> {
  const { advertiserId: idColumn, billingDay } = truthCurrent;
  const counted = await stores.db.select({ advertiserId: idColumn, billingDay }).from(truthCurrent);
  const known = new Set(counted.map((row) => `${row.billingDay}/${row.advertiserId}`));
  const settling = new Map(
    (await listAdvertisers(stores, ALL)).map(({ id, settlingHours }) => [id, settlingHours]),
  );
  return DEMO_ADVERTISERS.map((advertiser) => {
    const advertiserId = advertiserIdSchema.parse(advertiser.id);
    const hours = settling.get(advertiserId) ?? 0;
    const order = countOrder({
      days: historyDays(advertiser, range),
      isCounted: (day) => known.has(`${day}/${advertiserId}`),
      isOpen: (day) => closesAtMs(dayBounds(day, advertiser.timeZone).toMs, hours) > range.toMs,
    });
    return { advertiserId, order };
  });
}
