import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { addDays, dayOf } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { runBatch } from "./pipeline/runBatch.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const DAY_BEFORE = addDays(DAY, -1);
const STEP = "batch.rejects";

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
  for (const [advertiser, campaign] of [
    ["adv_1", "cmp_1"],
    ["adv_2", "cmp_2"],
  ] as const) {
    const campaigns = [{ id: campaign, rates: [[0, 5n]] as const }];
    await world.addAdvertiser(advertiser, { timeZone: "UTC", campaigns });
    await world.archive.append(
      [0, 1].map((ago) =>
        storedEvent({
          ...{ event_id: `event-of-${campaign}-${ago}`, campaign_id: campaign },
          event_time: NOON_MS - ago * DAY_MS,
        }),
      ),
    );
  }
  await world.archive.archiveAll();
});
afterAll(() => world.close());

async function runAll(): Promise<void> {
  const stop = new AbortController();
  const logger = pino({ level: "silent" });
  const role = { ...world.stores, queue: world.queue, jobsMax: 2, renewIntervalMs: 1_000, logger };
  const running = runBatch(role, stop.signal);
  try {
    await vi.waitUntil(
      async () => {
        const jobs = await world.jobs();
        return jobs.every(({ state }) => state !== "queued" && state !== "running");
      },
      { timeout: 120_000 },
    );
  } finally {
    stop.abort();
    await running;
  }
}

// One hour of one account that the engine has no memory for must not keep anybody else from being billed.
it("fails the day that passes the engine's memory, says at what, and counts all others", async () => {
  const { clickhouse } = world.archive;
  const command = clickhouse.command.bind(clickhouse);
  const limited = vi.spyOn(clickhouse, "command").mockImplementation((params) => {
    const { advertiserId, billingDay } = params.query_params ?? {};
    const settings = params.clickhouse_settings;
    const isTooMuch =
      settings?.log_comment === STEP && advertiserId === "adv_1" && billingDay === DAY;
    return command({
      ...params,
      // The engine looks at what a thread has taken only from time to time.
      ...(isTooMuch && {
        clickhouse_settings: { ...settings, max_memory_usage: "1", max_untracked_memory: "1" },
      }),
    });
  });
  await world.queueJob("adv_1", DAY);
  await world.queueJob("adv_1", DAY_BEFORE);
  await world.queueJob("adv_2", DAY);
  await runAll();
  const failed = (await world.jobs()).filter(({ state }) => state === "failed");
  expect(failed).toMatchObject([{ advertiserId: "adv_1", billingDay: DAY }]);
  const hour = new Date(NOON_MS).toISOString();
  expect(failed[0]?.error).toMatch(`${STEP} of the hours from ${hour}: `);
  expect(failed[0]?.error).toMatch(/memory limit exceeded.*that was attempt 3 of 3$/is);
  expect(await world.current("adv_1", DAY)).toBeNull();
  expect(await world.current("adv_1", DAY_BEFORE)).toMatchObject({ lines: [{ clicks: 1n }] });
  expect(await world.current("adv_2", DAY)).toMatchObject({ lines: [{ clicks: 1n }] });

  // With more memory, or once a decision takes the clicks out, it is counted like any other day.
  limited.mockRestore();
  await world.queueJob("adv_1", DAY);
  await runAll();
  expect(await world.current("adv_1", DAY)).toMatchObject({ lines: [{ clicks: 1n }] });
});
