/** Asking for a published version to be counted again, and what came of it. */
import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { and, desc, eq, inArray, isNull, sql } from "drizzle-orm";
import { z } from "zod";
import { truthVersions } from "../postgres/schema/truth.ts";
import { verifications } from "../postgres/schema/verifications.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";

/** A version, or one line of it. */
export interface VersionToVerify {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly version: number;
  /** Null for the whole partition. */
  readonly campaignId: CampaignId | null;
}

const compared = <Value extends z.ZodType>(value: Value) =>
  z.object({ recorded: value, found: value });

/** What the batch writes of a verification that is done. */
export const verifiedSchema = z.object({
  outcome: z.enum(["verified", "differs", "unverifiable"]),
  /** Why it is not verified; null if it is. */
  reason: z.string().nullable(),
  jobId: z.string(),
  codeVersion: compared(z.string().nullable()),
  inputsHash: z.string(),
  /** Null: nothing was judged. */
  judgedHash: compared(z.string()).nullable(),
  /** With what was credited. Null: nothing was to be credited, or it was not counted again. */
  contentHash: compared(z.string()).nullable().default(null),
  objects: z.number(),
  /**
   * How many objects were read in place of how many pinned ones, whose own bytes are no longer kept. Null:
   * nothing was read, or it was not noted.
   */
  compacted: z.object({ pinned: z.number(), read: z.number() }).nullable().default(null),
  linesCompared: z.number(),
  /** Of one line, that line; of a partition, those that differ. */
  lines: z.array(
    z.object({
      campaign: z.string(),
      clicks: compared(z.number()),
      /** Micros as text: they may pass 2^53. */
      costMicros: compared(z.string()),
      /** Undefined where credits were not counted again. */
      credited: compared(z.number()).optional(),
      creditedValueMicros: compared(z.string()).optional(),
    }),
  ),
});
export type Verified = z.infer<typeof verifiedSchema>;

export interface VerificationRow {
  readonly id: number;
  /** `queued` also where its worker died and none has taken it up again yet. */
  readonly state: "queued" | "running" | "done" | "failed";
  /** Null until it is done. */
  readonly verified: Verified | null;
  /** Null unless it failed. */
  readonly error: string | null;
  readonly requestedBy: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/**
 * Asks the batch to count a version again, unless it has been asked already and has not answered yet.
 * Two who ask at the same moment may have it counted twice, which does no harm.
 *
 * @returns The number of the verification; null where there is no such version.
 */
export async function requestVerification(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  asked: VersionToVerify,
  requestedBy: string,
): Promise<number | null> {
  const [version] = await db
    .select({ version: truthVersions.version })
    .from(truthVersions)
    .where(
      and(
        tenantWhere(scope, truthVersions.advertiserId),
        eq(truthVersions.advertiserId, asked.advertiserId),
        eq(truthVersions.billingDay, asked.billingDay),
        eq(truthVersions.version, asked.version),
      ),
    );
  if (version === undefined) return null;
  const [open] = await db
    .select({ id: verifications.id })
    .from(verifications)
    .where(and(isOf(asked), inArray(verifications.state, ["queued", "running"])))
    .limit(1);
  if (open !== undefined) return open.id;
  const [added] = await db
    .insert(verifications)
    .values({ ...asked, requestedBy })
    .returning({ id: verifications.id });
  if (added === undefined) throw new Error("the insert of a verification returned no row");
  return added.id;
}

/** One verification; null for one that there is not, or of another tenant. */
export async function getVerification(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  id: number,
): Promise<VerificationRow | null> {
  const [row] = await db
    .select(COLUMNS)
    .from(verifications)
    .where(and(eq(verifications.id, id), tenantWhere(scope, verifications.advertiserId)));
  return row === undefined ? null : toRow(row);
}

/** The one that was asked for last of a whole version; null if nobody has. */
export async function lastVerification(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  asked: Omit<VersionToVerify, "campaignId">,
): Promise<VerificationRow | null> {
  const [row] = await db
    .select(COLUMNS)
    .from(verifications)
    .where(
      and(isOf({ ...asked, campaignId: null }), tenantWhere(scope, verifications.advertiserId)),
    )
    .orderBy(desc(verifications.id))
    .limit(1);
  return row === undefined ? null : toRow(row);
}

function isOf({ advertiserId, billingDay, version, campaignId }: VersionToVerify) {
  return and(
    eq(verifications.advertiserId, advertiserId),
    eq(verifications.billingDay, billingDay),
    eq(verifications.version, version),
    campaignId === null
      ? isNull(verifications.campaignId)
      : eq(verifications.campaignId, campaignId),
  );
}

/** What is told of one. Nobody is at work on one whose lease is over. */
const COLUMNS = {
  id: verifications.id,
  state: sql<VerificationRow["state"]>`case
    when ${verifications.state} = 'running' and ${verifications.leaseUntil} < now() then 'queued'
    else ${verifications.state} end`,
  result: verifications.result,
  error: verifications.error,
  requestedBy: verifications.requestedBy,
  createdAt: verifications.createdAt,
  finishedAt: verifications.finishedAt,
};

function toRow({
  result,
  ...row
}: Omit<VerificationRow, "verified"> & { readonly result: unknown }): VerificationRow {
  return { ...row, verified: result === null ? null : verifiedSchema.parse(result) };
}
