/** The versions of rules: what truth judges by, since when, and who wanted it so. */
import { HOUR_MS } from "@trueclick/shared/time";
import type { RuleVersion } from "@trueclick/shared/verdict/rules";
import { asc, eq, max } from "drizzle-orm";
import { ruleVersions } from "../postgres/schema/rules.ts";
import type { Stores } from "../stores.ts";
import { closesAtMs } from "./finality.ts";
import { type QueuedJobs, queueJobs, type TruthPartition } from "./jobs.ts";
import { currentTruth, type TruthPointer } from "./truthPointers.ts";

export interface RuleVersionRow extends RuleVersion {
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}

/** Every version of every rule, by rule and version. */
export async function listRuleVersions({
  db,
}: {
  readonly db: Pick<Stores["db"], "select">;
}): Promise<RuleVersionRow[]> {
  const rows = await db
    .select()
    .from(ruleVersions)
    .orderBy(asc(ruleVersions.ruleId), asc(ruleVersions.version));
  return rows.map(({ ruleId, effectiveFrom, ...row }) => {
    return { ...row, id: ruleId, effectiveFromMs: effectiveFrom.getTime() };
  });
}

export interface RuleAdded extends QueuedJobs {
  readonly version: number;
  /** The days that are counted again. */
  readonly partitions: readonly TruthPartition[];
  /** Days that it judges too and that have closed: they stay as they are until somebody asks. */
  readonly closed: readonly TruthPartition[];
}

/**
 * Adds the next version of a rule, and queues a recount of the counted days that it judges and that
 * have not closed, all or nothing. A day that was counted at the same moment without it is found by
 * `truthDirtyDays`.
 *
 * @param wanted With parameters that `parseRuleParameters` has checked.
 */
export async function addRuleVersion(
  { db }: Pick<Stores, "db">,
  wanted: Omit<RuleVersion, "version"> & { readonly reason: string; readonly createdBy: string },
  nowMs: number = Date.now(),
): Promise<RuleAdded> {
  const { id, effectiveFromMs, enabled, parameters, reason, createdBy } = wanted;
  return db.transaction(async (tx) => {
    // The primary key turns the second of two at once away.
    const [last] = await tx
      .select({ version: max(ruleVersions.version) })
      .from(ruleVersions)
      .where(eq(ruleVersions.ruleId, id));
    const version = (last?.version ?? 0) + 1;
    const effectiveFrom = new Date(effectiveFromMs);
    const audit = { reason, createdBy };
    await tx
      .insert(ruleVersions)
      .values({ ruleId: id, version, enabled, parameters, effectiveFrom, ...audit });
    // A version that begins within an hour of a day's end can touch the clicks that it ends with.
    const range = { fromMs: effectiveFromMs - HOUR_MS, toMs: FAR_MS };
    const days = await currentTruth({ db: tx }, { kind: "all" }, range);
    const isOpen = ({ bounds, settlingHours }: TruthPointer) =>
      nowMs < closesAtMs(bounds.toMs, settlingHours);
    const partitions = days.filter(isOpen).map(toPartition);
    const closed = days.filter((day) => !isOpen(day)).map(toPartition);
    const request = { partitions, reason: `rule ${id}@${version}: ${reason}`.slice(0, 500) };
    const queued = await queueJobs(
      { db: tx },
      { kind: "all" },
      { ...request, requestedBy: createdBy },
    );
    return { ...queued, version, partitions, closed };
  });
}

const toPartition = ({ advertiserId, billingDay }: TruthPointer) => ({ advertiserId, billingDay });

/** Past every billing day that has been counted. */
const FAR_MS = Date.UTC(9_000, 0);
