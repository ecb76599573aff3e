/** Decisions that events are invalid: who made them, on what, when and why. */
import type { InstantRange } from "@trueclick/shared/calendar";
import type { DecisionScope } from "@trueclick/shared/verdict/decision";
import { and, desc, eq, isNull } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { type DecisionOrigin, fraudDecisions } from "../postgres/schema/rules.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { LIST_ROWS_MAX } from "./advertisers.ts";
import { type QueuedJobs, queueJobs, type TruthPartition } from "./jobs.ts";
import { touchedPartitions } from "./touchedPartitions.ts";

export interface NewDecision {
  readonly scope: DecisionScope;
  /** Event time. */
  readonly range: InstantRange;
  readonly reason: string;
}

export interface DecisionAudit {
  readonly origin: DecisionOrigin;
  readonly createdBy: string;
}

export interface Decided extends QueuedJobs {
  readonly ids: readonly number[];
  readonly partitions: readonly TruthPartition[];
}

/** Most decisions that are added at once. */
export const DECISIONS_PER_REQUEST_MAX = 50_000;
/** Rows of one insert: Postgres takes 65,535 parameters a statement, a row is twelve. */
const ROWS_PER_INSERT_MAX = 5_000;

const everyone: TenantScope = { kind: "all" };

/**
 * Adds decisions and queues a recount of the counted days that they may touch, all or nothing: no
 * decision is on record whose days are not counted again.
 *
 * @throws {RangeError} for too many decisions, or for more days than one request may have.
 */
export async function addDecisions(
  stores: Stores,
  decisions: readonly NewDecision[],
  { origin, createdBy }: DecisionAudit,
): Promise<Decided> {
  if (decisions.length > DECISIONS_PER_REQUEST_MAX) {
    throw new RangeError(`at most ${DECISIONS_PER_REQUEST_MAX} decisions at once`);
  }
  return stores.db.transaction(async (tx) => {
    const ids: number[] = [];
    for (let start = 0; start < decisions.length; start += ROWS_PER_INSERT_MAX) {
      const rows = decisions
        .slice(start, start + ROWS_PER_INSERT_MAX)
        .map(({ scope, range, reason }) => ({
          ...scope,
          fromAt: new Date(range.fromMs),
          toAt: new Date(range.toMs),
          ...{ origin, reason, createdBy },
        }));
      const added = await tx
        .insert(fraudDecisions)
        .values(rows)
        .returning({ id: fraudDecisions.id });
      ids.push(...added.map(({ id }) => id));
    }
    const seen = { db: tx, clickhouse: stores.clickhouse };
    const partitions = await touchedPartitions(seen, decisions);
    const why = ids.length === 1 ? `fraud decision ${ids[0]}` : `${ids.length} fraud decisions`;
    const reason = `${why}: ${decisions[0]?.reason ?? ""}`.slice(0, REASON_LENGTH_MAX);
    const queued = await queueJobs(seen, everyone, { partitions, reason, requestedBy: createdBy });
    return { ...queued, ids, partitions };
  });
}

const REASON_LENGTH_MAX = 500;

/**
 * Takes a decision back by a row of its own, and queues a recount of the days that it may touch.
 *
 * @throws {RangeError} for a decision that is not there, is a revocation, or is revoked already.
 */
export async function revokeDecision(
  stores: Stores,
  id: number,
  { reason, createdBy }: { readonly reason: string; readonly createdBy: string },
): Promise<Decided> {
  return stores.db.transaction(async (tx) => {
    // Two that revoke it at once: the second waits here and then sees the first one's row.
    const [row] = await tx
      .select()
      .from(fraudDecisions)
      .where(eq(fraudDecisions.id, id))
      .for("update");
    if (row === undefined || row.fromAt === null || row.toAt === null) {
      throw new RangeError(`there is no decision ${id}`);
    }
    const [before] = await tx.select().from(fraudDecisions).where(eq(fraudDecisions.revokes, id));
    if (before !== undefined) throw new RangeError(`decision ${id} was revoked by ${before.id}`);
    const [added] = await tx
      .insert(fraudDecisions)
      .values({ origin: row.origin, revokes: id, reason, createdBy })
      .returning({ id: fraudDecisions.id });
    const range = { fromMs: row.fromAt.getTime(), toMs: row.toAt.getTime() };
    const seen = { db: tx, clickhouse: stores.clickhouse };
    const partitions = await touchedPartitions(seen, [{ scope: scopeOf(row), range }]);
    const why = `fraud decision ${id} revoked: ${reason}`.slice(0, REASON_LENGTH_MAX);
    const request = { partitions, reason: why, requestedBy: createdBy };
    const queued = await queueJobs(seen, everyone, request);
    return { ...queued, ids: added === undefined ? [] : [added.id], partitions };
  });
}

export interface DecisionRow {
  readonly id: number;
  readonly origin: DecisionOrigin;
  readonly scope: DecisionScope;
  readonly range: InstantRange;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  /** Null while it is in force. */
  readonly revoked: { readonly reason: string; readonly by: string; readonly at: Date } | null;
}

/** Decisions, newest first, those that were revoked included. At most `LIST_ROWS_MAX`. */
export async function listDecisions({ db }: Pick<Stores, "db">): Promise<DecisionRow[]> {
  const revocation = alias(fraudDecisions, "revocation");
  const rows = await db
    .select({ decision: fraudDecisions, revocation })
    .from(fraudDecisions)
    .leftJoin(revocation, eq(revocation.revokes, fraudDecisions.id))
    .where(and(isNull(fraudDecisions.revokes)))
    .orderBy(desc(fraudDecisions.id))
    .limit(LIST_ROWS_MAX);
  return rows.map(({ decision, revocation: revoked }) => ({
    id: decision.id,
    origin: decision.origin,
    scope: scopeOf(decision),
    range: { fromMs: decision.fromAt?.getTime() ?? 0, toMs: decision.toAt?.getTime() ?? 0 },
    reason: decision.reason,
    createdBy: decision.createdBy,
    createdAt: decision.createdAt,
    revoked:
      revoked === null
        ? null
        : { reason: revoked.reason, by: revoked.createdBy, at: revoked.createdAt },
  }));
}

function scopeOf(row: typeof fraudDecisions.$inferSelect): DecisionScope {
  return {
    ...(row.advertiserId === null ? {} : { advertiserId: row.advertiserId }),
    ...(row.campaignId === null ? {} : { campaignId: row.campaignId }),
    ...(row.adId === null ? {} : { adId: row.adId }),
    ...(row.publisherId === null ? {} : { publisherId: row.publisherId }),
    ...(row.userId === null ? {} : { userId: row.userId }),
    ...(row.ipNet === null ? {} : { ipNet: row.ipNet }),
    ...(row.eventId === null ? {} : { eventId: row.eventId }),
  };
}
