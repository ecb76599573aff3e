import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { truthVersions } from "@trueclick/db/postgres/schema/truth";
import { dayOf } from "@trueclick/shared/calendar";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { eq, sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { JobStores } from "./pipeline/runJob.ts";
import { runJob } from "./pipeline/runJob.ts";
import { type Job, JobLostError, JobRefusedError } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const RATES = [[0, 100n]] as const;
const { signal } = new AbortController();

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
  await fill(world);
});
afterEach(() => world.close());

/** Two hours of clicks of one advertiser, some of them twice. */
async function fill({ archive, addAdvertiser }: BatchWorld): Promise<void> {
  await addAdvertiser("adv_1", { timeZone: "UTC", campaigns: [{ id: "cmp_1", rates: RATES }] });
  await archive.append(clicks(0, 20));
  await archive.append(clicks(15, 20));
  await archive.archiveAll();
}

function clicks(from: number, to: number) {
  return Array.from({ length: to - from }, (_, at) => {
    const number = from + at;
    return storedEvent({
      event_id: `evt-${String(number).padStart(5, "0")}`,
      event_time: NOON_MS - (number % 2) * HOUR_MS,
    });
  });
}

async function take({ queue, queueJob }: BatchWorld): Promise<Job> {
  await queueJob("adv_1", DAY);
  const job = await queue.take();
  if (job === null) throw new Error("the job was not handed out");
  return job;
}

async function endLeases({ archive }: BatchWorld): Promise<void> {
  await archive.db.execute(
    sql`update batch_jobs set lease_until = now() - interval '1 second' where state = 'running'`,
  );
}

// I5. An auditor recounts on a machine of his own: the same inputs must give the same hash.
it("gives the same inputs the same hashes, here again and on other engines", async () => {
  const bought = {
    event_id: "conversion-1",
    event_type: "conversion",
    event_time: NOON_MS,
  } as const;
  const conversion = storedEvent({ ...bought, user_id: "user-of-evt-00000" });
  const sell = async ({ archive }: BatchWorld) => {
    await archive.append([conversion]);
    await archive.archiveAll();
  };
  await sell(world);
  await world.recount("adv_1", DAY);
  const elsewhere = await openBatchWorld();
  try {
    await fill(elsewhere);
    await sell(elsewhere);
    // Other builds, other slices, one after the other: nothing but the inputs may tell.
    await elsewhere.recount("adv_1", dayOf(NOON_MS + DAY_MS, "UTC"));
    const slicing = { sliceRowsMax: 1, slicesAtOnce: 1 };
    await elsewhere.recount("adv_1", DAY, { ...elsewhere.stores, ...slicing });
    const [here, there] = [
      await world.current("adv_1", DAY),
      await elsewhere.current("adv_1", DAY),
    ];
    expect(elsewhere.archive.objectsDir).not.toBe(world.archive.objectsDir);
    expect(there?.jobId).not.toBe(here?.jobId);
    expect(here?.lines).toMatchObject([{ clicks: 20n, attributedConversions: 1n }]);
    expect({ lines: there?.lines, rejects: there?.rejects }).toEqual({
      lines: here?.lines,
      rejects: here?.rejects,
    });
    expect(there?.contentHash).toBe(here?.contentHash);
    expect(there?.inputsHash).toBe(here?.inputsHash);
  } finally {
    await elsewhere.close();
  }

  expect(await world.recount("adv_1", DAY)).toBe("verified");
  const [first, second] = await world.jobs();
  expect(second).toMatchObject({
    state: "verified",
    contentHash: first?.contentHash,
    inputsHash: first?.inputsHash,
  });
  expect(await world.current("adv_1", DAY)).toMatchObject({
    version: 1,
    jobId: BigInt(first?.id ?? 0),
  });
});

// The index forgets events after some months; a bill may be recounted after years.
it("knows the copies in other hours that it knew, when the index has forgotten them", async () => {
  const [first, copy] = [clicks(0, 1)[0], clicks(1, 2)[0]];
  if (first === undefined || copy === undefined) throw new Error("there are clicks");
  const yesterday = { ...first, event_time: first.event_time - 24 * HOUR_MS, ingest_time: 1 };
  await world.archive.append([yesterday, { ...copy, ingest_time: copy.ingest_time + 1 }]);
  await world.archive.archiveAll();
  await world.recount("adv_1", DAY);
  const before = await world.current("adv_1", DAY);
  expect(before?.rejects).toContainEqual(
    expect.objectContaining({ eventId: first.event_id, verdict: "id_conflict" }),
  );

  await world.archive.clickhouse.command({ query: "TRUNCATE TABLE event_index" });
  expect(await world.recount("adv_1", DAY)).toBe("verified");
});

it("publishes a late click as a second version and leaves the first as it was", async () => {
  await world.recount("adv_1", DAY);
  const first = await world.current("adv_1", DAY);
  await world.archive.append(clicks(20, 21));
  await world.archive.archiveAll();
  expect(await world.recount("adv_1", DAY)).toBe("published");

  const second = await world.current("adv_1", DAY);
  expect(first).toMatchObject({
    version: 1,
    costMicros: 2_000n,
    lines: [{ clicks: 20n, duplicateClicks: 5n }],
  });
  expect(second).toMatchObject({
    version: 2,
    costMicros: 2_100n,
    lines: [{ clicks: 21n, duplicateClicks: 5n }],
  });
  const versions = await world.archive.db
    .select()
    .from(truthVersions)
    .where(eq(truthVersions.version, 1));
  expect(versions).toMatchObject([{ contentHash: first?.contentHash, costMicros: 2_000n }]);
});

// I6. A bill read while a version is published must be all of the old or all of the new one.
it("shows readers whole versions only, while it publishes", async () => {
  await world.recount("adv_1", DAY);
  let isPublishing = true;
  let reads = 0;
  const reading = (async () => {
    while (isPublishing) {
      const truth = await world.current("adv_1", DAY);
      const line = truth?.lines[0];
      expect(line?.clicks).toBe(19n + BigInt(truth?.version ?? 0));
      expect(truth?.cube).toEqual([
        { campaignId: "cmp_1", events: Number(line?.clicks) + 5, costMicros: line?.costMicros },
      ]);
      reads += 1;
    }
  })();
  for (let version = 2; version <= 6; version += 1) {
    await world.archive.append(clicks(18 + version, 19 + version));
    await world.archive.archiveAll();
    await world.recount("adv_1", DAY);
  }
  isPublishing = false;
  await reading;
  expect(reads).toBeGreaterThan(5);
});

it.each([
  ["missing", "is missing"],
  ["damaged", "is damaged"],
])("refuses to count with a %s object, names it, and publishes nothing", async (what, message) => {
  await world.recount("adv_1", DAY);
  const before = await world.current("adv_1", DAY);
  const objects: JobStores["objects"] = {
    ...world.stores.objects,
    sha256: async (path) => {
      const found = await world.stores.objects.sha256(path);
      if (!path.includes("T11/p1") || found === null) return found;
      return what === "missing" ? null : found.replace(/./, (first) => (first === "0" ? "1" : "0"));
    },
  };
  const recount = world.recount("adv_1", DAY, { ...world.stores, objects });
  await expect(recount).rejects.toThrow(JobRefusedError);
  await expect(recount).rejects.toThrow(new RegExp(`raw/event_hour=${DAY}T11/p1-.*${message}`));
  expect(await world.current("adv_1", DAY)).toEqual(before);
});

// The hash was right, but what the engine read was not what was hashed.
it("publishes nothing when the engine reads other rows than the manifest says", async () => {
  const { engine } = world.stores;
  const shortSighted: JobStores["engine"] = {
    ...engine,
    count: async (build, slice) => ({ ...(await engine.count(build, slice)), rows: 3 }),
  };
  await expect(
    world.recount("adv_1", DAY, { ...world.stores, engine: shortSighted }),
  ).rejects.toThrow("read 3 rows");
  const forgetful: JobStores["engine"] = {
    ...engine,
    prepare: (build, slice, threads) =>
      engine.prepare(build, { ...slice, objects: slice.objects.slice(1) }, threads),
  };
  await world.queue.fail((await firstRunning()).id, "test");
  await expect(world.recount("adv_1", DAY, { ...world.stores, engine: forgetful })).rejects.toThrow(
    "verdicts",
  );
  expect(await world.current("adv_1", DAY)).toBeNull();
});

async function firstRunning(): Promise<{ id: bigint }> {
  const running = (await world.jobs()).find(({ state }) => state === "running");
  return { id: BigInt(running?.id ?? 0) };
}

const CRASHES = ["pin", "judge", "settle"] as const;

/** The real stores; the process dies right after one of the effects, whose outcome nobody hears. */
function dyingStores(stores: JobStores, place: (typeof CRASHES)[number]): JobStores {
  const dieAt = (here: typeof place) => {
    if (here === place) throw new Error(`died after ${here}`);
  };
  return {
    ...stores,
    inputs: {
      ...stores.inputs,
      pin: async (...args) => {
        await stores.inputs.pin(...args);
        dieAt("pin");
      },
    },
    engine: {
      ...stores.engine,
      judge: async (...args) => {
        await stores.engine.judge(...args);
        dieAt("judge");
      },
    },
    register: {
      settle: async (...args) => {
        const outcome = await stores.register.settle(...args);
        dieAt("settle");
        return outcome;
      },
    },
  };
}

// The rows that a dead attempt left, or that its last insert is still writing, must never be seen:
// they would bill every click twice.
it.each(CRASHES)("counts every click once after a death right after %s", async (place) => {
  const job = await take(world);
  await expect(runJob(dyingStores(world.stores, place), job, signal)).rejects.toThrow("died");
  await endLeases(world);

  const next = await world.queue.takeAbandoned();
  if (place === "settle") {
    expect(next).toBeNull();
  } else {
    expect(next).toMatchObject({ advertiserId: "adv_1", billingDay: DAY, attempt: 2 });
    if (next === null) return;
    expect(next.id).not.toBe(job.id);
    // The dead attempt wakes up and goes on: nobody may hear of it.
    await expect(runJob(world.stores, job, signal)).rejects.toThrow(JobLostError);
    await runJob(world.stores, next, signal);
  }
  expect(await world.current("adv_1", DAY)).toMatchObject({
    version: 1,
    lines: [{ clicks: 20n, costMicros: 2_000n }],
    cube: [{ events: 25, costMicros: 2_000n }],
  });
});

it("lets an attempt that lost its job publish nothing, even at the last step", async () => {
  const job = await take(world);
  const register: JobStores["register"] = {
    settle: async (...args) => {
      await endLeases(world);
      await world.queue.takeAbandoned();
      return world.stores.register.settle(...args);
    },
  };
  await expect(runJob({ ...world.stores, register }, job, signal)).rejects.toThrow(JobLostError);
  expect(await world.current("adv_1", DAY)).toBeNull();
});
