import { appendFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createWorkerEncoder } from "@trueclick/archive/encode/workerEncoder";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { rateCards } from "@trueclick/db/postgres/schema/campaigns";
import { backtestBuilds } from "@trueclick/db/postgres/schema/rules";
import { batchJobs, truthLines, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { verifications } from "@trueclick/db/postgres/schema/verifications";
import { dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { createPostgresCompactionManifest } from "../archive/adapters/postgresCompactionManifest.ts";
import { compactHours } from "../archive/pipeline/compactHours.ts";
import { WIDE } from "../archive/testing/archiveWorld.ts";
import { createTrialBuilds } from "./adapters/postgresTrialBuilds.ts";
import { createPostgresVerifications } from "./adapters/postgresVerifications.ts";
import { runVerification, type VerificationStores } from "./pipeline/runVerification.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";
import { decide } from "./testing/decide.ts";

const DAY = dayOf(NOON_MS, "UTC");
const advertiserId = advertiserIdSchema.parse("adv_1");
const { signal } = new AbortController();
const merger = createWorkerEncoder();
afterAll(() => merger.close());

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
  const needed = {
    requirements: [[NOON_MS, true]],
    pauses: [[NOON_MS - HOUR_MS, NOON_MS]],
  } as const;
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [
      { id: "cmp_1", rates: [[0, 100n]] },
      { id: "cmp_2", rates: [[0, 7n]], startsMs: 1, endsMs: NOON_MS + HOUR_MS, ...needed },
    ],
  });
  await decide(world.archive.db, [
    { fields: { user_id: "thief" }, fromMs: NOON_MS - HOUR_MS, toMs: NOON_MS + HOUR_MS },
  ]);
  await archive([
    ...Array.from({ length: 20 }, (_, at) =>
      storedEvent({ event_id: `event-00${at}`, event_time: NOON_MS - (at % 3) * HOUR_MS }),
    ),
    // The same id in another hour, and what the hour after the day's last has in store for it.
    storedEvent({ event_id: "event-003", event_time: NOON_MS - 5 * HOUR_MS }),
    storedEvent({ event_id: "event-101", user_id: "thief" }),
    storedEvent({ event_id: "event-102", campaign_id: "cmp_2" }),
    storedEvent({ event_id: "event-103", campaign_id: "cmp_2", event_time: NOON_MS - SECOND_MS }),
    storedEvent({ event_id: "event-104", event_time: NOON_MS + 12 * HOUR_MS }),
  ]);
  await world.recount("adv_1", DAY);
});
afterEach(() => world.close());

async function archive(events: Parameters<BatchWorld["archive"]["append"]>[0]): Promise<void> {
  await world.archive.append(events);
  await world.archive.archiveAll({ limits: { ...WIDE, eventsMax: 4 } });
}

function stores() {
  const { db, clickhouse, topic } = world.archive;
  const builds = createTrialBuilds(db, clickhouse);
  return { ...world.stores, builds, verifications: createPostgresVerifications(db, topic) };
}

async function verified(
  version = 1,
  campaign: string | null = null,
  of: VerificationStores = stores(),
) {
  const campaignId = campaign === null ? null : campaignIdSchema.parse(campaign);
  const asked = { advertiserId, billingDay: DAY, version, campaignId, requestedBy: "test" };
  await world.archive.db.insert(verifications).values(asked);
  const taken = await of.verifications.take();
  if (taken === null) throw new Error("the verification was not handed out");
  const result = await runVerification(of, taken, signal);
  await of.verifications.finish(taken, result);
  expect(await of.verifications.take()).toBeNull();
  // Whatever came of it, nothing is left of what was counted.
  expect(await world.archive.db.select().from(backtestBuilds)).toEqual([]);
  return result;
}

/** @param retentionMs How long the bytes are kept of what was compacted. */
async function compact(retentionMs = 0): Promise<void> {
  const { db, topic, objects, stores: of } = world.archive;
  const compaction = {
    ...{ merger, objects, index: of.index, manifest: createPostgresCompactionManifest(db, topic) },
    ...{ limits: { objectsMin: 2, rowsMax: 10_000, bytesMax: 10_000_000 } },
    retentionMs,
    onCompacted: () => {},
  };
  await compactHours(compaction, NOON_MS + 2 * HOUR_MS, signal);
}

// I5: a number that nobody can count again from what it was counted from is a claim.
it("counts a version again to the same hash, whatever has been changed since", async () => {
  const first = await verified();
  expect(first).toMatchObject({ outcome: "verified", reason: null, linesCompared: 2, lines: [] });
  expect(first.judgedHash?.found).toBe(first.judgedHash?.recorded);
  expect(first.objects).toBeGreaterThan(5);

  const audit = { reason: "test", createdBy: "test" };
  const campaignId = campaignIdSchema.parse("cmp_1");
  const rate = { campaignId, effectiveFrom: new Date(1), cpcMicros: 5n, ...audit };
  await world.archive.db.insert(rateCards).values(rate);
  await archive([storedEvent({ event_id: "event-201", event_time: NOON_MS - HOUR_MS })]);
  await decide(world.archive.db, [
    { fields: { event_id: "event-001" }, fromMs: 0, toMs: NOON_MS + HOUR_MS },
  ]);
  expect(await world.recount("adv_1", DAY)).toBe("published");

  const before = await world.current("adv_1", DAY);
  expect(await verified(1)).toEqual(first);
  const [line] = (await verified(2, "cmp_1")).lines;
  const counted = before?.lines.find(({ campaignId: id }) => id === "cmp_1");
  const clicks = Number(counted?.clicks);
  expect(line).toEqual({
    campaign: "cmp_1",
    clicks: { recorded: clicks, found: clicks },
    costMicros: { recorded: String(5 * clicks), found: String(5 * clicks) },
  });
  expect(await world.current("adv_1", DAY)).toEqual(before);
});

it("says which line is not what was counted", async () => {
  const { db } = world.archive;
  await db
    .update(truthLines)
    .set({ costMicros: sql`${truthLines.costMicros} + 1` })
    .where(eq(truthLines.campaignId, campaignIdSchema.parse("cmp_2")));
  const { outcome, lines } = await verified();
  expect({ outcome, campaigns: lines.map(({ campaign }) => campaign) }).toEqual({
    ...{ outcome: "differs", campaigns: ["cmp_2"] },
  });
  expect(await verified(1, "cmp_2")).toMatchObject({ outcome: "differs" });
  // The other one is as it was counted.
  expect(await verified(1, "cmp_1")).toMatchObject({ outcome: "verified" });
});

// Lines may be right where countries, hours or verdicts are not.
it("says that what was judged is not the same, though all lines are", async () => {
  await world.archive.db.update(truthVersions).set({ judgedHash: "0".repeat(64) });
  expect(await verified()).toMatchObject({
    ...{ outcome: "differs", reason: "what was counted again is not what was published" },
    lines: [],
  });
});

it("says that the inputs are not those that were written down", async () => {
  await world.archive.db.update(batchJobs).set({
    inputs: sql`jsonb_set(${batchJobs.inputs}, '{campaigns,0,rates,0,cpc_micros}', '"99"')`,
  });
  const { outcome, reason, judgedHash } = await verified();
  expect({ outcome, judgedHash }).toEqual({ outcome: "differs", judgedHash: null });
  expect(reason).toMatch(/^the inputs that are written down have the hash/);
});

it("names an object whose bytes are others, or that is gone", async () => {
  const { db, objectsDir } = world.archive;
  const [object] = await db.select().from(archiveObjects).orderBy(archiveObjects.path).limit(1);
  const path = object?.path ?? "";
  await appendFile(join(objectsDir, path), "x");
  const { outcome, reason } = await verified();
  expect(outcome).toBe("differs");
  expect(reason).toContain(`archive object ${path} is damaged`);
});

/** Events of hours that were counted, which came after they were. */
async function archiveLater(round: number): Promise<void> {
  const later = Array.from({ length: 8 }, (_, at) =>
    storedEvent({ event_id: `event-${round}0${at}`, event_time: NOON_MS - (at % 2) * HOUR_MS }),
  );
  await archive(later);
}

/** Names of objects that were compacted and whose bytes are kept. */
async function keptSources(): Promise<string[]> {
  const rows = await world.archive.db
    .select({ path: archiveObjects.path })
    .from(archiveObjects)
    .where(and(isNotNull(archiveObjects.compactedInto), isNull(archiveObjects.removedAt)))
    .orderBy(archiveObjects.path);
  return rows.map(({ path }) => path);
}

// Compaction is housekeeping: it takes nobody the proof, unless it mixed in what came later.
it("finds events where they were compacted to, and says so where others are with them", async () => {
  const first = await verified();
  expect(first.compacted).toEqual({ pinned: 0, read: 0 });
  await compact();
  const { db } = world.archive;
  const live = await db.select().from(archiveObjects).where(isNull(archiveObjects.compactedInto));
  expect(live.some(({ mergedObjects }) => mergedObjects > 0)).toBe(true);
  const again = await verified();
  const { objects, compacted } = again;
  expect({ ...again, objects: first.objects, compacted: first.compacted }).toEqual(first);
  expect(objects).toBeLessThan(first.objects);
  const [pinned, read] = [compacted?.pinned ?? 0, compacted?.read ?? 0];
  expect(pinned - read).toBe(first.objects - objects);

  await archiveLater(3);
  await compact();
  const { outcome, reason } = await verified();
  expect(outcome).toBe("unverifiable");
  expect(reason).toMatch(/^raw\/event_hour=.* holds other events beside those that were counted/);
});

// The very bytes that were counted are the better proof, whatever was put together since.
it("reads the objects that were counted for as long as they are kept", async () => {
  const first = await verified();
  await compact(DAY_MS);
  const sources = await keptSources();
  expect(sources.length).toBeGreaterThan(3);
  expect(await verified()).toEqual(first);

  // Of one that was compacted before it was counted, and since with others.
  await archiveLater(3);
  expect(await world.recount("adv_1", DAY)).toBe("published");
  const second = await verified(2);
  expect(second).toMatchObject({ outcome: "verified", compacted: { pinned: 0, read: 0 } });
  await compact(DAY_MS);
  await archiveLater(4);
  await compact(DAY_MS);
  expect((await keptSources()).length).toBeGreaterThan(sources.length);
  expect(await verified(1)).toEqual(first);
  expect(await verified(2)).toEqual(second);

  // One of them was removed already: what holds all is read for all, and none twice.
  const removed = sources[0] ?? "";
  const { db, objectsDir } = world.archive;
  const isRemoved = eq(archiveObjects.path, removed);
  await db.update(archiveObjects).set({ removedAt: new Date() }).where(isRemoved);
  await rm(join(objectsDir, removed));
  expect(await verified(1)).toMatchObject({ outcome: "verified", compacted: { read: 1 } });
  await db.update(archiveObjects).set({ removedAt: null }).where(isRemoved);
  const gone = await verified(1);
  expect(gone).toMatchObject({ outcome: "differs", judgedHash: null });
  expect(gone.reason).toBe(`archive object ${removed} is missing`);
  await db.update(archiveObjects).set({ removedAt: new Date() }).where(isRemoved);
  const damaged = sources.at(-1) ?? "";
  await appendFile(join(objectsDir, damaged), "x");
  const { outcome, reason } = await verified(1);
  expect(outcome).toBe("differs");
  expect(reason).toContain(`archive object ${damaged} is damaged`);
});

// A day's proof is asked for at the moment at which the archive cleans up.
it("does not accuse anybody of objects that are removed while it is about to read them", async () => {
  const first = await verified();
  await compact(DAY_MS);
  const of = stores();
  let removing: Promise<void> | null = null;
  const sha256: typeof of.objects.sha256 = async (path) => {
    removing ??= compact(0);
    await removing;
    return of.objects.sha256(path);
  };
  const again = await verified(1, null, { ...of, objects: { ...of.objects, sha256 } });
  expect(removing).not.toBeNull();
  expect(await keptSources()).toEqual([]);
  expect(again).toMatchObject({ outcome: "verified", judgedHash: first.judgedHash });
  expect(again.compacted?.pinned).toBeGreaterThan(0);
});

it("says that it does not know what a program of another time wrote down", async () => {
  await world.archive.db.update(batchJobs).set({ inputs: { words: "of old" } });
  expect(await verified()).toMatchObject({
    ...{ outcome: "unverifiable", judgedHash: null },
    reason: "what the job wrote down of its inputs is not known to this program",
  });
});

it("does not count by what it would leave out of what was written down", async () => {
  await world.archive.db.update(batchJobs).set({
    inputs: sql`jsonb_set(${batchJobs.inputs}, '{campaigns,0,discount}', '5')`,
  });
  expect(await verified()).toMatchObject({
    ...{ outcome: "unverifiable", judgedHash: null },
    reason: "what the job wrote down of its inputs is read in another way by this program",
  });
});
