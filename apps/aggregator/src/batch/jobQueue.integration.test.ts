import { addDays, dayOf } from "@trueclick/shared/calendar";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Job, JobLostError } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = "2026-03-10";

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", { timeZone: "UTC", campaigns: [] });
});
afterEach(() => world.close());

async function take(): Promise<Job> {
  await world.queueJob("adv_1", DAY);
  const job = await world.queue.take();
  if (job === null) throw new Error("the job was not handed out");
  return job;
}

it("hands a partition to one runner at a time, and a job to one of many", async () => {
  await world.queueJob("adv_1", DAY);
  const taken = await Promise.all(Array.from({ length: 6 }, () => world.queue.take()));
  expect(taken.filter((job) => job !== null)).toHaveLength(1);
  await world.queueJob("adv_1", DAY);
  await world.queueJob("adv_1", "2026-01-01");
  expect(await world.queue.take()).toMatchObject({ billingDay: "2026-01-01" });
  expect(await world.queue.take()).toBeNull();
});

it("hands out recent days first, older ones as asked for, and none beside one it looks back to", async () => {
  await world.addAdvertiser("adv_2", { timeZone: "UTC", campaigns: [] });
  const today = dayOf(Date.now(), "UTC");
  const yesterday = addDays(today, -1);
  await world.queueJob("adv_1", "2026-01-01");
  await world.queueJob("adv_1", "2026-01-03");
  await world.queueJob("adv_2", "2026-01-02");
  await world.queueJob("adv_1", yesterday);
  await world.queueJob("adv_1", today);
  const next = async () => {
    const job = await world.queue.take();
    return job && { ...job, name: `${job.advertiserId} ${job.billingDay}` };
  };
  expect([(await next())?.name, (await next())?.name]).toEqual([
    `adv_1 ${today}`,
    `adv_1 ${yesterday}`,
  ]);
  const first = await next();
  expect(first?.name).toBe("adv_1 2026-01-01");
  // The day two days later has to wait for it; another advertiser's has not.
  expect((await next())?.name).toBe("adv_2 2026-01-02");
  expect(await next()).toBeNull();
  await world.queue.fail(first?.id ?? 0n, "ended");
  expect((await next())?.name).toBe("adv_1 2026-01-03");
});

it("gives a job up after its last attempt and says why", async () => {
  let job: Job | null = await take();
  const attempts: number[] = [];
  while (job !== null) {
    attempts.push(job.attempt);
    job = await world.queue.replace(job, "the engine was away");
  }
  expect(attempts).toEqual([1, 2, 3]);
  const states = (await world.jobs()).map(({ state, error }) => [state, error]);
  expect(states).toEqual([
    ["cancelled", "the engine was away"],
    ["cancelled", "the engine was away"],
    ["failed", "the engine was away; that was attempt 3 of 3"],
  ]);
});

it("takes up what a dead runner left, and nothing whose lease runs", async () => {
  const job = await take();
  expect(await world.queue.takeAbandoned()).toBeNull();
  await world.queue.abandon(job.id);
  const [next, ...others] = (
    await Promise.all([world.queue.takeAbandoned(), world.queue.takeAbandoned()])
  ).filter((taken) => taken !== null);
  expect(next).toMatchObject({ attempt: 2 });
  expect(others).toEqual([]);
  await expect(world.queue.renewLease(job.id)).rejects.toThrow(JobLostError);
});
