import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { batchJobSlices } from "@trueclick/db/postgres/schema/truth";
import { dayOf } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { eq } from "drizzle-orm";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type JobStores, runJob } from "./pipeline/runJob.ts";
import { type Job, JobLostError, JobRefusedError } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const { signal } = new AbortController();

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 100n]] }],
  });
  await archive("first", [4, 2, 0]);
  await world.recount("adv_1", DAY);
});
afterEach(() => world.close());

/** A click in each of some hours before noon, and a copy of it. */
async function archive(what: string, hoursBack: readonly number[]): Promise<void> {
  const clicks = hoursBack.map((back) =>
    storedEvent({ event_id: `event-${what}-${back}`, event_time: NOON_MS - back * HOUR_MS }),
  );
  await world.archive.append([...clicks, ...clicks]);
  await world.archive.archiveAll();
}

async function take(): Promise<Job> {
  await world.queueJob("adv_1", DAY, false);
  const job = await world.queue.take();
  if (job === null) throw new Error("the job was not handed out");
  return job;
}

const pathOfHour = (back: number) =>
  new RegExp(`event_hour=${new Date(NOON_MS - back * HOUR_MS).toISOString().slice(0, 13)}/`);

const notedBy = ({ id }: Job) =>
  world.archive.db.select().from(batchJobSlices).where(eq(batchJobSlices.jobId, id));

/** A promise and what ends it. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

// What is judged on damaged bytes must be seen by nobody: no version, and no later attempt that would
// take its rows over once the object is mended.
it("stops a run whose object is found damaged once it is judged, and notes nothing of it", async () => {
  const before = await world.current("adv_1", DAY);
  await archive("late", [2]);
  const judged = gate();
  const { engine, objects } = world.stores;
  const stores: JobStores = {
    ...world.stores,
    engine: {
      ...engine,
      judge: async (...args) => {
        await engine.judge(...args);
        judged.open();
      },
    },
    objects: {
      ...objects,
      sha256: async (path) => {
        const found = await objects.sha256(path);
        await judged.passed;
        return found?.replace(/./, (first) => (first === "0" ? "1" : "0")) ?? null;
      },
    },
  };
  const job = await take();
  const run = runJob(stores, job, signal);
  await expect(run).rejects.toThrow(JobRefusedError);
  await expect(run).rejects.toThrow(/^archive object raw\/.* is damaged/);
  expect(await notedBy(job)).toMatchObject(Array(2).fill({ buildId: before?.jobId }));
  await world.queue.fail(job.id, "damaged");
  expect(await world.current("adv_1", DAY)).toEqual(before);

  await world.recountChanged("adv_1", DAY);
  expect(await world.current("adv_1", DAY)).toMatchObject({
    version: 2,
    lines: [{ clicks: 4n, duplicateClicks: 4n }],
  });
});

it.each([
  ["is judged", 2],
  ["is asked about what follows it", 3],
])(
  "names the damaged object of an hour that %s, whatever reading it did to the engine",
  async (_, back) => {
    await archive("before", [3]);
    await world.recountChanged("adv_1", DAY);
    await archive("late", [2]);
    const paths = await Array.fromAsync(world.stores.objects.list("raw/"));
    const damaged = paths.filter((path) => pathOfHour(back).test(path)).at(-1) ?? "";
    await writeFile(join(world.archive.objectsDir, damaged), "no Parquet");
    await expect(world.recountChanged("adv_1", DAY)).rejects.toThrow(
      `archive object ${damaged} is damaged`,
    );
  },
);

// What an hour is told to be untouched by must have been whole, or its rows would be taken over for good.
it("takes nothing over by an answer that damaged objects gave", async () => {
  await archive("before", [3]);
  await world.recountChanged("adv_1", DAY);
  const before = await world.current("adv_1", DAY);
  await archive("late", [2]);
  const { objects } = world.stores;
  const stores: JobStores = {
    ...world.stores,
    objects: {
      ...objects,
      sha256: async (path) => (pathOfHour(3).test(path) ? "other" : objects.sha256(path)),
    },
  };
  const job = await take();
  await expect(runJob(stores, job, signal)).rejects.toThrow(/T09\/.* is damaged/);
  expect(await notedBy(job)).toMatchObject([{ buildId: job.id }]);
  expect(await world.current("adv_1", DAY)).toEqual(before);
});

it("prepares a slice again that turns out to have copies in another hour", async () => {
  const calls: string[] = [];
  const { engine } = world.stores;
  const counting: JobStores["engine"] = {
    ...engine,
    prepare: async (build, slice, threads) => {
      calls.push(`${build.inputs.copies.length > 0 ? "with" : "without"} copies`);
      await engine.prepare(build, slice, threads);
    },
  };
  const again = { event_id: "event-first-4", event_time: NOON_MS };
  await world.archive.append([storedEvent(again)]);
  await world.archive.archiveAll();
  // An hour a slice: the late one is read with the same objects of its own, before and after.
  const stores = { ...world.stores, engine: counting, sliceRowsMax: 1 };
  expect(await world.recountChanged("adv_1", DAY, stores)).toBe("published");
  expect(calls).toEqual(["without copies", ...Array(3).fill("with copies")]);
  const published = await world.current("adv_1", DAY);
  const verdicts = published?.rejects.filter(({ eventId }) => eventId === "event-first-4");
  expect(verdicts?.map(({ verdict }) => verdict).sort()).toEqual(["duplicate", "id_conflict"]);
  expect(await world.recount("adv_1", DAY)).toBe("verified");
});

// Between the look-up that begins with the job and the reading of its inputs an object may be archived.
it("finds copies in an object that came once the first look-up was over", async () => {
  const looked = gate();
  const { inputs, copySearch } = world.stores;
  const stores: JobStores = {
    ...world.stores,
    copySearch: {
      search: async () => {
        await copySearch.search();
        looked.open();
      },
    },
    inputs: {
      ...inputs,
      read: async (...args) => {
        await looked.passed;
        await world.archive.append([
          storedEvent({ event_id: "event-first-4", event_time: NOON_MS }),
        ]);
        await world.archive.archiveAll();
        return inputs.read(...args);
      },
    },
  };
  expect(await world.recountChanged("adv_1", DAY, stores)).toBe("published");
  const published = await world.current("adv_1", DAY);
  const verdicts = published?.rejects.filter(({ eventId }) => eventId === "event-first-4");
  expect(verdicts?.map(({ verdict }) => verdict).sort()).toEqual(["duplicate", "id_conflict"]);
});

// Users of a slice that is yet to be written would be missing from the bill's lines.
it("counts users once every slice is written, while the last is added up", async () => {
  await archive("late", [4, 2]);
  const [firstAdded, usersCounted] = [gate(), gate()];
  let slicesAdded = 0;
  const { engine } = world.stores;
  const stores: JobStores = {
    ...world.stores,
    sliceRowsMax: 1,
    slicesAtOnce: 2,
    engine: {
      ...engine,
      judge: async (build, slice, threads) => {
        if (slice.firstHourMs === NOON_MS - 2 * HOUR_MS) await firstAdded.passed;
        await engine.judge(build, slice, threads);
      },
      addUp: async (...args) => {
        slicesAdded += 1;
        if (slicesAdded === 2) await usersCounted.passed;
        await engine.addUp(...args);
        firstAdded.open();
      },
      countUsers: async (build) => {
        const users = await engine.countUsers(build);
        usersCounted.open();
        return users;
      },
    },
  };
  expect(await world.recountChanged("adv_1", DAY, stores)).toBe("published");
  const published = await world.current("adv_1", DAY);
  expect(published?.lines).toMatchObject([{ clicks: 5n, uniqueUsers: 5n }]);
});

// Rows of a job that has ended must not go on being written: its end is what lets others sweep them.
it.each([
  ["fails", new Error("no answer"), "no answer"],
  ["is lost", new JobLostError("taken up by another"), "taken up by another"],
])("ends a run that %s only once nothing of it is at work", async (_, error, message) => {
  await archive("late", [2]);
  const begun = gate();
  let isAtWork = false;
  const { engine } = world.stores;
  const stores: JobStores = {
    ...world.stores,
    engine: {
      ...engine,
      prepare: async (...args) => {
        isAtWork = true;
        begun.open();
        await engine.prepare(...args);
        isAtWork = false;
      },
    },
    copySearch: {
      search: async () => {
        await begun.passed;
        throw error;
      },
    },
  };
  await expect(runJob(stores, await take(), signal)).rejects.toThrow(message);
  await begun.passed;
  expect(isAtWork).toBe(false);
});
