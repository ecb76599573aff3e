import type { Database } from "@trueclick/db/postgres/database";
import { batchJobs, truthLines, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { verifications } from "@trueclick/db/postgres/schema/verifications";
import { verifiedSchema } from "@trueclick/db/queries/verifications";
import { and, eq } from "drizzle-orm";
import { z } from "zod";
import type { Canonical } from "../domain/canonicalJson.ts";
import type { RecordedVersion, Verification, Verifications } from "../ports/verifications.ts";
import { readRecordedInputs } from "./postgresRecordedInputs.ts";
import { createPostgresWorkQueue, type PostgresWorkQueue } from "./postgresWorkQueue.ts";

const canonicalSchema: z.ZodType<Canonical> = z.json();

/** @param topic The topic whose archive is billed. */
export function createPostgresVerifications(db: Database, topic: string): Verifications {
  const queue = createPostgresWorkQueue(db, verifications);
  return {
    ...queue,
    take: () => take(db, queue),

    // Versions, lines and what a job wrote down never change: no snapshot is needed.
    recorded: (verification) => readRecorded(db, topic, verification),

    finish: (claim, result) => queue.finish(claim, verifiedSchema.parse(result)),
  };
}

async function take(db: Database, queue: PostgresWorkQueue): Promise<Verification | null> {
  const claim = await queue.claim();
  if (claim === null) return null;
  const { advertiserId, billingDay, version, campaignId } = verifications;
  const [asked] = await db
    .select({ advertiserId, billingDay, version, campaignId })
    .from(verifications)
    .where(eq(verifications.id, claim.id));
  return asked === undefined ? null : { ...claim, ...asked };
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
  const { judgedHash, inputs, ...of } = found;
  const inputsJson = canonicalSchema.parse(inputs);
  return {
    ...of,
    // Before conversions were credited, what was judged was all.
    judgedHash: judgedHash ?? found.contentHash,
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
      credited: truthLines.attributedConversions,
      creditedValueMicros: truthLines.attributedValueMicros,
    })
    .from(truthLines)
    .where(
      and(
        eq(truthLines.advertiserId, advertiserId),
        eq(truthLines.billingDay, billingDay),
        eq(truthLines.version, version),
      ),
    );
  return rows.map((row) => ({
    ...row,
    clicks: Number(row.clicks),
    credited: Number(row.credited),
  }));
}
