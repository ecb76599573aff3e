import { type ObjectName, parseObjectPath } from "@trueclick/archive/domain/objectPath";
import { isCurrentVersion } from "@trueclick/db/postgres/currentVersion";
import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import {
  batchJobObjects,
  batchJobs,
  truthCurrent,
  truthVersions,
} from "@trueclick/db/postgres/schema/truth";
import { dayBounds, hoursTouched } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, asc, eq, gte, inArray, isNull, lt } from "drizzle-orm";
import { z } from "zod";
import { inputsJson, type PinnedInputs, type PinnedObject } from "../domain/inputs.ts";
import { lookbackHours } from "../domain/unlinkedSql.ts";
import type { BaseInputs, InputsStore, RuleTrial } from "../ports/inputsStore.ts";
import { type Job, JobLostError, JobRefusedError } from "../ports/jobQueue.ts";
import { readCampaigns, readDecisions, readRules } from "./postgresJudgement.ts";
import { readKeptJudgement } from "./postgresKeptJudgement.ts";
import {
  overlaps,
  type ReadObject,
  readObjectColumns,
  readSources,
  toPinnedObject,
} from "./postgresSources.ts";

type Reader = Pick<Database, "select">;

export interface InputsStoreOptions {
  /** The topic whose archive is billed. */
  readonly topic: string;
  /** Version of the time zone database that `dayBounds` computes with. */
  readonly tzdata: string;
  /** What the engine tells user agents by. */
  readonly agentLibraries: string;
  /** The ranges of data centres that the engine was given; null without. */
  readonly datacenterRangesSha256: string | null;
}

/** Objects of one insert: Postgres takes 65,535 parameters a statement, a row is four. */
const OBJECTS_PER_INSERT_MAX = 5_000;

/** What `inputsJson` wrote of them. */
const pinnedCopies = z.object({ copies: z.array(z.object({ path: z.string() })) }).nullable();

/** Reads inputs from the product's tables and pins them in `batch_jobs` and `batch_job_objects`. */
export function createPostgresInputsStore(db: Database, options: InputsStoreOptions): InputsStore {
  const { topic } = options;
  return {
    // One snapshot: a rate that is set meanwhile is either pinned with its campaign or not at all.
    read: (job, trial) =>
      db.transaction((tx) => readBase(tx, job, options, trial), {
        isolationLevel: "repeatable read",
        accessMode: "read only",
      }),

    resolve: (paths) => resolveObjects(db, topic, paths),

    pin: (jobId, inputs, inputsHash) =>
      db.transaction(async (tx) => {
        const objects = [...inputs.objects, ...inputs.following];
        const pinned = await tx
          .update(batchJobs)
          .set({
            inputs: inputsJson(inputs),
            inputsHash,
            codeVersion: inputs.codeVersion,
            hourRows: rowsByHour(objects, inputs),
          })
          .where(and(eq(batchJobs.id, Number(jobId)), eq(batchJobs.state, "running")))
          .returning({ id: batchJobs.id });
        if (pinned.length === 0) throw new JobLostError(`job ${jobId} is no longer running`);
        const rows = objects.map(({ path, sha256, rows: count }) => {
          return { jobId, path, sha256, rows: BigInt(count) };
        });
        for (let start = 0; start < rows.length; start += OBJECTS_PER_INSERT_MAX) {
          const some = rows.slice(start, start + OBJECTS_PER_INSERT_MAX);
          await tx.insert(batchJobObjects).values(some);
        }
      }),
  };
}

async function resolveObjects(
  db: Reader,
  topic: string,
  paths: readonly string[],
): Promise<PinnedObject[]> {
  const names = paths.map(parseObjectPath).filter((name) => name !== null);
  const hours = new Set(names.map(({ eventHourMs }) => eventHourMs));
  if (hours.size === 0) return [];
  const found = await db
    .select(readObjectColumns)
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        isNull(archiveObjects.compactedInto),
        inArray(
          archiveObjects.eventHour,
          [...hours].map((hourMs) => new Date(hourMs)),
        ),
      ),
    )
    .orderBy(asc(archiveObjects.path));
  const namesByPlace = Map.groupBy(names, placeOf);
  const isNamed = (object: ReadObject) => {
    const eventHourMs = object.eventHour.getTime();
    const names = namesByPlace.get(placeOf({ ...object, eventHourMs }));
    return names?.some((name) => overlaps(name, object)) === true;
  };
  const named = found.filter(isNamed);
  const sources = await readSources(db, topic, named);
  return named.map((object) => toPinnedObject(object, sources.get(object.path)?.filter(isNamed)));
}

async function readBase(
  tx: Reader,
  job: Job,
  { topic, ...judgedBy }: InputsStoreOptions,
  trial: RuleTrial = (rules) => rules,
): Promise<BaseInputs> {
  const { advertiserId, billingDay } = job;
  const [advertiser] = await tx
    .select({ timeZone: advertisers.timeZone, currency: advertisers.currency })
    .from(advertisers)
    .where(eq(advertisers.id, advertiserId));
  if (advertiser === undefined) throw new JobRefusedError(`no advertiser ${advertiserId}`);
  const bounds = dayBounds(billingDay, advertiser.timeZone);
  const hours = hoursTouched(bounds);
  // What follows an event of the day within an hour may tell of it.
  const followingMs = (hours.at(-1) ?? bounds.toMs) + HOUR_MS;
  const lookedAt = { fromMs: bounds.fromMs, toMs: followingMs + HOUR_MS };
  const kept = await readKeptJudgement(tx, job, bounds.toMs);
  const rules = trial(kept?.rules ?? (await readRules(tx, lookedAt)));
  const campaigns = (await readCampaigns(tx, advertiserId)).map((campaign) => {
    const requirements = kept?.requirements.get(campaign.id) ?? campaign.requirements;
    return { ...campaign, requirements };
  });
  const precedingHours = lookbackHours(rules, campaigns, lookedAt);
  const firstMs = hours.at(0) ?? bounds.fromMs;
  return {
    advertiserId,
    billingDay,
    ...advertiser,
    ...judgedBy,
    ...(kept && { datacenterRangesSha256: kept.datacenterRangesSha256 }),
    bounds,
    rules,
    decisions: await readDecisions(tx, advertiserId, lookedAt),
    campaigns,
    precedingHours,
    preceding: await readObjects(
      tx,
      topic,
      hoursTouched({ fromMs: firstMs - precedingHours * HOUR_MS, toMs: firstMs }),
    ),
    objects: await readObjects(tx, topic, hours),
    following: await readObjects(tx, topic, [followingMs]),
    knownCopies: await readKnownCopies(tx, { advertiserId, billingDay }),
  };
}

async function readObjects(
  tx: Reader,
  topic: string,
  hours: readonly number[],
): Promise<PinnedObject[]> {
  const [first, last] = [hours.at(0), hours.at(-1)];
  if (first === undefined || last === undefined) return [];
  const objects = await tx
    .select(readObjectColumns)
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        gte(archiveObjects.eventHour, new Date(first)),
        lt(archiveObjects.eventHour, new Date(last + 1)),
        isNull(archiveObjects.compactedInto),
      ),
    );
  // Sorted here: the order of Postgres depends on its collation, and with it the inputs' hash.
  const sources = await readSources(tx, topic, objects);
  return objects
    .map((object) => toPinnedObject(object, sources.get(object.path)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function readKnownCopies(
  tx: Reader,
  { advertiserId, billingDay }: Pick<Job, "advertiserId" | "billingDay">,
): Promise<string[]> {
  const [current] = await tx
    .select({ inputs: batchJobs.inputs })
    .from(truthCurrent)
    .innerJoin(truthVersions, isCurrentVersion())
    .innerJoin(batchJobs, eq(batchJobs.id, truthVersions.jobId))
    .where(
      and(eq(truthCurrent.advertiserId, advertiserId), eq(truthCurrent.billingDay, billingDay)),
    );
  return pinnedCopies.parse(current?.inputs ?? null)?.copies.map(({ path }) => path) ?? [];
}

/** By start of the hour, epoch seconds; hours before the day also where they have none yet. */
function rowsByHour(
  objects: readonly PinnedObject[],
  { bounds, preceding, precedingHours }: PinnedInputs,
): Record<string, number> {
  const firstMs = hoursTouched(bounds).at(0) ?? bounds.fromMs;
  const before = hoursTouched({ fromMs: firstMs - precedingHours * HOUR_MS, toMs: firstMs });
  const rows: Record<string, number> = {};
  for (const hourMs of before) rows[String(hourMs / SECOND_MS)] = 0;
  for (const object of [...objects, ...preceding]) {
    const hour = String(object.eventHourMs / SECOND_MS);
    rows[hour] = (rows[hour] ?? 0) + object.rows;
  }
  return rows;
}

function placeOf({ eventHourMs, partition }: Pick<ObjectName, "eventHourMs" | "partition">) {
  return `${eventHourMs}/${partition}`;
}
