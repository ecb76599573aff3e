import { isCurrentVersion } from "@trueclick/db/postgres/currentVersion";
import type { Database } from "@trueclick/db/postgres/database";
import { emptyDays } from "@trueclick/db/postgres/schema/emptyDays";
import {
  batchJobSlices,
  batchJobs,
  truthCurrent,
  truthLines,
  truthVersions,
} from "@trueclick/db/postgres/schema/truth";
import type { TakenOver } from "@trueclick/db/queries/heldRows";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import type { CreditedLine, TruthVersion } from "../domain/truth.ts";
import { type Job, JobLostError } from "../ports/jobQueue.ts";
import type { TruthRegister } from "../ports/truthRegister.ts";
import { storedTakenOver } from "./heldBuild.ts";

type Transaction = Pick<Database, "select" | "insert" | "update">;

/** Lines in one insert: Postgres takes 65,535 parameters a statement, a row is fourteen. */
const LINES_PER_INSERT_MAX = 1_000;

/** Keeps versions in `truth_versions` and `truth_lines`, the pointers in `truth_current`. */
export function createPostgresTruthRegister(db: Pick<Database, "transaction">): TruthRegister {
  return {
    settle: (job, version, timings) =>
      db.transaction(async (tx) => {
        await lockRunning(tx, job);
        const current = await readCurrent(tx, job);
        const isSame = current?.contentHash === version.contentHash;
        if (isSame) await pointTo(tx, job, current);
        else await publish(tx, job, version, (current?.version ?? 0) + 1);

        const state = isSame ? "verified" : "published";
        await tx
          .update(batchJobs)
          .set({
            state,
            contentHash: version.contentHash,
            timings: { ...timings },
            finishedAt: sql`now()`,
            leaseUntil: null,
          })
          .where(eq(batchJobs.id, Number(job.id)));
        return state;
      }),
  };
}

/** Holds the job until the transaction ends: it cannot be taken up by another runner meanwhile. */
async function lockRunning(tx: Transaction, job: Job): Promise<void> {
  const [locked] = await tx
    .select({ state: batchJobs.state })
    .from(batchJobs)
    .where(eq(batchJobs.id, Number(job.id)))
    .for("update");
  if (locked?.state !== "running") throw new JobLostError(`job ${job.id} is no longer running`);
}

async function readCurrent(tx: Transaction, { advertiserId, billingDay }: Job) {
  const [current] = await tx
    .select({
      version: truthVersions.version,
      contentHash: truthVersions.contentHash,
      buildId: truthVersions.jobId,
      takenOver: truthVersions.takenOver,
    })
    .from(truthCurrent)
    .innerJoin(truthVersions, isCurrentVersion())
    .where(
      and(eq(truthCurrent.advertiserId, advertiserId), eq(truthCurrent.billingDay, billingDay)),
    );
  return current;
}

/** The rows of a build that came out the same are swept one day; those of the version stay. */
async function pointTo(
  tx: Transaction,
  job: Job,
  { buildId, takenOver }: { readonly buildId: bigint; readonly takenOver: readonly TakenOver[] },
): Promise<void> {
  const own = eq(batchJobSlices.jobId, job.id);
  await tx.update(batchJobSlices).set({ buildId }).where(own);
  for (const other of takenOver) {
    const firstHours = other.hours.map((hour) => new Date(hour * SECOND_MS));
    await tx
      .update(batchJobSlices)
      .set({ buildId: BigInt(other.buildId) })
      .where(and(own, inArray(batchJobSlices.firstHour, firstHours)));
  }
}

/** Adds the version and its lines, and moves the pointer. */
async function publish(
  tx: Transaction,
  job: Job,
  { lines, clicksByVerdict, takenOver, ...version }: TruthVersion,
  number: number,
): Promise<void> {
  const key = {
    advertiserId: job.advertiserId,
    billingDay: job.billingDay,
    version: number,
  };
  await tx.insert(truthVersions).values({
    ...key,
    ...version,
    jobId: job.id,
    verdictCounts: { ...clicksByVerdict },
    takenOver: storedTakenOver(takenOver),
    cause: job.reason,
  });
  const rows = lines.map((line) => ({ ...key, ...toRow(line) }));
  for (let start = 0; start < rows.length; start += LINES_PER_INSERT_MAX) {
    await tx.insert(truthLines).values(rows.slice(start, start + LINES_PER_INSERT_MAX));
  }
  await tx
    .insert(truthCurrent)
    .values(key)
    .onConflictDoUpdate({
      target: [truthCurrent.advertiserId, truthCurrent.billingDay],
      set: { version: number },
    });
  const isEmpty =
    rows.length === 0 && Object.values(clicksByVerdict).every((clicks) => clicks === 0);
  if (!isEmpty) await refuteEmpty(tx, job);
}

/** What was said of a day that has events after all: this version, its first, corrects it. */
async function refuteEmpty(tx: Transaction, { advertiserId, billingDay }: Job): Promise<void> {
  const ofDay = and(eq(emptyDays.advertiserId, advertiserId), eq(emptyDays.billingDay, billingDay));
  await tx
    .update(emptyDays)
    .set({ refutedAt: sql`now()` })
    .where(and(ofDay, isNull(emptyDays.refutedAt)));
}

function toRow(line: CreditedLine) {
  return {
    campaignId: line.campaignId,
    clicks: BigInt(line.clicks),
    grossClicks: BigInt(line.grossClicks),
    netClicks: BigInt(line.netClicks),
    duplicateClicks: BigInt(line.duplicateClicks),
    impressions: BigInt(line.impressions),
    conversions: BigInt(line.conversions),
    uniqueUsers: BigInt(line.uniqueUsers),
    costMicros: line.costMicros,
    attributedConversions: BigInt(line.attributedConversions),
    attributedValueMicros: line.attributedValueMicros,
  };
}
