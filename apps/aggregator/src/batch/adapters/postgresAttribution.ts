/** Windows, and the versions of earlier days, read from the product's tables. */
import { parseObjectPath } from "@trueclick/archive/domain/objectPath";
import { isOneOf } from "@trueclick/db/postgres/conditions";
import { isCurrentVersion } from "@trueclick/db/postgres/currentVersion";
import type { Database } from "@trueclick/db/postgres/database";
import { attributionWindows, truthClickIndexes } from "@trueclick/db/postgres/schema/attribution";
import {
  batchJobObjects,
  batchJobs,
  truthCurrent,
  truthLines,
  truthVersions,
} from "@trueclick/db/postgres/schema/truth";
import { windowDecision } from "@trueclick/db/queries/attributionWindows";
import { JUDGED_HASH } from "@trueclick/db/queries/judgedDays";
import type { WindowDecision } from "@trueclick/shared/attribution";
import { dayOf, daysBetween, hoursTouched, type IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { and, asc, between, eq, isNull, or, sql } from "drizzle-orm";
import { z } from "zod";
import { lookbackRange, type PinnedAttribution, pinnedWindows } from "../domain/attribution.ts";
import { inputsJson } from "../domain/inputs.ts";
import type { AttributionInputs, CountedDay } from "../ports/attribution.ts";
import type { InputsStore } from "../ports/inputsStore.ts";
import { JobLostError, JobRefusedError } from "../ports/jobQueue.ts";
import { readTakenOver } from "./heldBuild.ts";

type Reader = Pick<Database, "select">;

/** Rows of `truth_clicks` go after 60 days; those that were written so long ago are still there. */
const INDEX_DAYS_MAX = 50;

/** What of a job's pinned inputs tells the valid clicks of its day. */
const judgedInputs = z.object({
  from_ms: z.number(),
  to_ms: z.number(),
  campaigns: z.array(z.object({ id: z.string() })),
});

/** @param inputs Finds objects that hold the events of others. */
export function createPostgresAttribution(
  db: Database,
  inputs: Pick<InputsStore, "resolve">,
): AttributionInputs {
  return {
    // One snapshot: windows and versions of one instant.
    read: ({ advertiserId, timeZone, bounds, campaigns }) =>
      db.transaction(
        async (tx) => {
          const windows = pinnedWindows(await readWindows(tx, advertiserId), campaigns, bounds);
          const range = lookbackRange(windows, campaigns, bounds);
          const days = daysBetween(
            dayOf(range.fromMs, timeZone),
            dayOf(range.toMs - 1, timeZone),
          ).sort();
          const counted = await readCounted(tx, advertiserId, days);
          const hashOf = new Map(counted.map((day) => [day.billingDay, day.judgedHash]));
          const lookback = days.map((billingDay) => {
            return { billingDay, judgedHash: hashOf.get(billingDay) ?? null };
          });
          return { pinned: { windows, lookback }, unindexed: counted.filter(isUnindexed) };
        },
        { isolationLevel: "repeatable read", accessMode: "read only" },
      ),

    unindexed: async (advertiserId, lookback) =>
      (await readJudgedAs(db, advertiserId, lookback)).filter(isUnindexed),

    async readJudged(day) {
      const [job] = await db
        .select({ inputs: batchJobs.inputs })
        .from(batchJobs)
        .where(eq(batchJobs.id, Number(day.buildId)));
      const pinned = judgedInputs.safeParse(job?.inputs);
      if (!pinned.success) {
        const what = `${day.advertiserId} on ${day.billingDay}`;
        throw new JobRefusedError(`what job ${day.buildId} counted ${what} by is not known`);
      }
      const bounds = { fromMs: pinned.data.from_ms, toMs: pinned.data.to_ms };
      const hours = new Set(hoursTouched(bounds));
      const rows = await db
        .select({ path: batchJobObjects.path })
        .from(batchJobObjects)
        .where(eq(batchJobObjects.jobId, day.buildId));
      const pinnedPaths = rows
        .map(({ path }) => path)
        .filter((path) => hours.has(parseObjectPath(path)?.eventHourMs ?? Number.NaN));
      const campaignIds = pinned.data.campaigns.map(({ id }) => id);
      const objects = await inputs.resolve(pinnedPaths);
      return { ...day, bounds, campaignIds, pinnedPaths, objects };
    },

    async pin(jobId, pinned, inputsHash) {
      const days = pinned.attribution?.lookback ?? [];
      const lookback = Object.fromEntries(
        days.map(({ billingDay, judgedHash }) => [billingDay, judgedHash]),
      );
      const running = and(eq(batchJobs.id, Number(jobId)), eq(batchJobs.state, "running"));
      const updated = await db
        .update(batchJobs)
        .set({ inputs: inputsJson(pinned), inputsHash, lookback })
        .where(running)
        .returning({ id: batchJobs.id });
      if (updated.length === 0) throw new JobLostError(`job ${jobId} is no longer running`);
    },

    async noteIndexed({ advertiserId, billingDay, judgedHash }) {
      await db
        .insert(truthClickIndexes)
        .values({ advertiserId, billingDay, judgedHash })
        .onConflictDoUpdate({
          target: [
            truthClickIndexes.advertiserId,
            truthClickIndexes.billingDay,
            truthClickIndexes.judgedHash,
          ],
          set: { indexedAt: sql`now()` },
        });
    },
  };
}

async function readWindows(tx: Reader, advertiserId: AdvertiserId): Promise<WindowDecision[]> {
  const rows = await tx
    .select()
    .from(attributionWindows)
    .where(
      or(
        isNull(attributionWindows.advertiserId),
        eq(attributionWindows.advertiserId, advertiserId),
      ),
    )
    .orderBy(asc(attributionWindows.id));
  return rows.map(windowDecision);
}

type IndexedDay = CountedDay & { readonly isIndexed: boolean };

async function readCounted(
  tx: Reader,
  advertiserId: AdvertiserId,
  days: readonly IsoDay[],
): Promise<IndexedDay[]> {
  const [first, last] = [days.at(0), days.at(-1)];
  if (first === undefined || last === undefined) return [];
  const rows = await selectVersions(tx)
    .innerJoin(truthCurrent, isCurrentVersion())
    .where(
      and(
        eq(truthCurrent.advertiserId, advertiserId),
        between(truthCurrent.billingDay, first, last),
      ),
    )
    .orderBy(asc(truthCurrent.billingDay));
  return rows.map((row) => toCounted(advertiserId, row));
}

/** Of each day the first of its versions that judged what it is said to have judged. */
async function readJudgedAs(
  tx: Reader,
  advertiserId: AdvertiserId,
  lookback: PinnedAttribution["lookback"],
): Promise<IndexedDay[]> {
  const judged = lookback.filter(({ judgedHash }) => judgedHash !== null);
  if (judged.length === 0) return [];
  const days = judged.map(({ billingDay }) => billingDay);
  const rows = await selectVersions(tx)
    .where(
      and(eq(truthVersions.advertiserId, advertiserId), isOneOf(truthVersions.billingDay, days)),
    )
    .orderBy(asc(truthVersions.billingDay), asc(truthVersions.version));
  const byDay = Map.groupBy(rows, ({ billingDay }) => billingDay);
  return judged.map(({ billingDay, judgedHash }) => {
    const found = byDay.get(billingDay)?.find((row) => row.judgedHash === judgedHash);
    if (found !== undefined) return toCounted(advertiserId, found);
    throw new JobRefusedError(`no version of ${billingDay} has judged ${judgedHash}`);
  });
}

function selectVersions(tx: Reader) {
  return tx
    .select({
      billingDay: truthVersions.billingDay,
      judgedHash: JUDGED_HASH,
      buildId: truthVersions.jobId,
      takenOver: truthVersions.takenOver,
      clicks: sql`(
        select coalesce(sum(${truthLines.clicks}), 0) from ${truthLines}
        where ${truthLines.advertiserId} = ${truthVersions.advertiserId}
          and ${truthLines.billingDay} = ${truthVersions.billingDay}
          and ${truthLines.version} = ${truthVersions.version})`.mapWith(Number),
      indexedAt: truthClickIndexes.indexedAt,
    })
    .from(truthVersions)
    .leftJoin(
      truthClickIndexes,
      and(
        eq(truthClickIndexes.advertiserId, truthVersions.advertiserId),
        eq(truthClickIndexes.billingDay, truthVersions.billingDay),
        eq(truthClickIndexes.judgedHash, JUDGED_HASH),
        sql`${truthClickIndexes.indexedAt} > now() - make_interval(days => ${INDEX_DAYS_MAX})`,
      ),
    );
}

function toCounted(
  advertiserId: AdvertiserId,
  { indexedAt, takenOver, ...row }: Awaited<ReturnType<typeof selectVersions>>[number],
): IndexedDay {
  return {
    ...row,
    takenOver: readTakenOver(takenOver),
    advertiserId,
    isIndexed: indexedAt !== null,
  };
}

/** A day without a valid click has nothing to find. */
const isUnindexed = ({ isIndexed, clicks }: IndexedDay) => !isIndexed && clicks > 0;
