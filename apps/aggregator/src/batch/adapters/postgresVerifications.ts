import type { Database } from "@trueclick/db/postgres/database";
import { batchJobs, truthLines, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { verifications } from "@trueclick/db/postgres/schema/verifications";
import { verifiedSchema } from "@trueclick/db/queries/verifications";
import { and, asc, eq, or, sql } from "drizzle-orm";
import { z } from "zod";
import type { Canonical } from "../domain/canonicalJson.ts";
import type { RecordedVersion, Verification, Verifications } from "../ports/verifications.ts";
import { readRecordedInputs } from "./postgresRecordedInputs.ts";

/** A runner that has said nothing for so long is dead: longer than a day of any size is judged. */
const LEASE_S = 3_600;
const leaseEnd = sql`now() + make_interval(secs => ${LEASE_S})`;

const canonicalSchema: z.ZodType<Canonical> = z.json();

/** @param topic The topic whose archive is billed. */
export function createPostgresVerifications(db: Database, topic: string): Verifications {
  return {
    take: () => take(db),

    // Versions, lines and what a job wrote down never change: no snapshot is needed.
    recorded: (verification) => readRecorded(db, topic, verification),

    async finish(id, result) {
      await db
        .update(verifications)
        .set({
          state: "done",
          result: verifiedSchema.parse(result),
          finishedAt: sql`now()`,
          leaseUntil: null,
        })
        .where(eq(verifications.id, id));
    },

    async fail(id, error) {
      await db
        .update(verifications)
        .set({ state: "failed", error, finishedAt: sql`now()`, leaseUntil: null })
        .where(eq(verifications.id, id));
    },
  };
}

async function take(db: Database): Promise<Verification | null> {
  const waiting = or(
    eq(verifications.state, "queued"),
    and(eq(verifications.state, "running"), sql`${verifications.leaseUntil} < now()`),
  );
  const oldest = db
    .select({ id: verifications.id })
    .from(verifications)
    .where(waiting)
    .orderBy(asc(verifications.id))
    .limit(1)
    .for("update", { skipLocked: true });
  const { id, advertiserId, billingDay, version, campaignId } = verifications;
  const [taken] = await db
    .update(verifications)
    .set({ state: "running", leaseUntil: leaseEnd })
    .where(eq(verifications.id, sql`(${oldest})`))
    .returning({ id, advertiserId, billingDay, version, campaignId });
  return taken ?? null;
}

async function readRecorded(
  db: Database,
  topic: string,
  { advertiserId, billingDay, version }: Verification,
): Promise<RecordedVersion> {
  const [found] = await db
    .select({
      jobId: truthVersions.jobId,
      inputsHash: truthVersions.inputsHash,
      contentHash: truthVersions.contentHash,
      judgedHash: truthVersions.judgedHash,
      codeVersion: batchJobs.codeVersion,
      inputs: batchJobs.inputs,
    })
    .from(truthVersions)
    .innerJoin(batchJobs, eq(batchJobs.id, truthVersions.jobId))
    .where(
      and(
        eq(truthVersions.advertiserId, advertiserId),
        eq(truthVersions.billingDay, billingDay),
        eq(truthVersions.version, version),
      ),
    );
  if (found === undefined) {
    throw new Error(`${advertiserId} has no version ${version} of ${billingDay}`);
  }
  const { contentHash, judgedHash, inputs, ...of } = found;
  const inputsJson = canonicalSchema.parse(inputs);
  return {
    ...of,
    // Before conversions were credited, what was judged was all.
    judgedHash: judgedHash ?? contentHash,
    lines: await readLines(db, { advertiserId, billingDay, version }),
    inputsJson,
    found: await readRecordedInputs(db, topic, found.jobId, inputsJson),
  };
}

async function readLines(
  db: Database,
  {
    advertiserId,
    billingDay,
    version,
  }: Pick<Verification, "advertiserId" | "billingDay" | "version">,
): Promise<RecordedVersion["lines"]> {
  const rows = await db
    .select({
      campaignId: truthLines.campaignId,
      clicks: truthLines.clicks,
      costMicros: truthLines.costMicros,
    })
    .from(truthLines)
    .where(
      and(
        eq(truthLines.advertiserId, advertiserId),
        eq(truthLines.billingDay, billingDay),
        eq(truthLines.version, version),
      ),
    );
  return rows.map((row) => ({ ...row, clicks: Number(row.clicks) }));
}
