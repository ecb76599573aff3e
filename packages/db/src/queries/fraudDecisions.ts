/** Decisions that events are invalid: who made them, on what, when and why. */
import type { InstantRange } from "@trueclick/shared/calendar";
import type { DecisionScope } from "@trueclick/shared/verdict/decision";
import { and, asc, desc, eq, isNull, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { isOneOf } from "../postgres/conditions.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
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
  /** Of the rows that were added. */
  readonly ids: readonly number[];
  /** Of decisions that were in force already and were said again: nothing is added for them. */
  readonly standing: readonly number[];
  readonly partitions: readonly TruthPartition[];
}

/** Most decisions that are added at once. */
export const DECISIONS_PER_REQUEST_MAX = 50_000;
/** Rows of one insert: Postgres takes 65,535 parameters a statement, a row is twelve. */
const ROWS_PER_INSERT_MAX = 5_000;

/** Any number that no other advisory lock of this database has. */
const DECISIONS_LOCK = 7_203_142;

const everyone: TenantScope = { kind: "all" };

/**
 * Adds decisions and queues a recount of the counted days that they may touch, all or nothing: no
 * decision is on record whose days are not counted again. One that is in force already, word for word,
 * is not added again: a partner's file that comes twice would else have to be revoked twice.
 *
 * @throws {RangeError} for too many decisions, for more days than one request may have, or for an
 *   advertiser that is not there.
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
    // Two that say the same at once: the second waits here and then sees the first one's rows.
    await tx.execute(sql`select pg_advisory_xact_lock(${DECISIONS_LOCK})`);
    await requireAdvertisers(tx, decisions);
    const { fresh, standing } = await withoutStanding(tx, decisions, origin);
    const ids: number[] = [];
    for (let start = 0; start < fresh.length; start += ROWS_PER_INSERT_MAX) {
      const rows = fresh
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
    const partitions = await touchedPartitions(seen, fresh);
    const why = ids.length === 1 ? `fraud decision ${ids[0]}` : `${ids.length} fraud decisions`;
    const reason = `${why}: ${fresh[0]?.reason ?? ""}`.slice(0, REASON_LENGTH_MAX);
    const queued = await queueJobs(seen, everyone, { partitions, reason, requestedBy: createdBy });
    return { ...queued, ids, standing, partitions };
  });
}

type Reader = Pick<Stores["db"], "select" | "execute">;

async function requireAdvertisers(db: Reader, decisions: readonly NewDecision[]): Promise<void> {
  const ids = [...new Set(decisions.flatMap(({ scope }) => scope.advertiserId ?? []))];
  if (ids.length === 0) return;
  const rows = await db
    .select({ id: advertisers.id })
    .from(advertisers)
    .where(isOneOf(advertisers.id, ids));
  const known = new Set<string>(rows.map(({ id }) => id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) throw new RangeError(`there is no advertiser ${unknown}`);
}

/** Parts the decisions into those that say something new, each once, and the ids of those that do not. */
async function withoutStanding(
  db: Reader,
  decisions: readonly NewDecision[],
  origin: DecisionOrigin,
): Promise<{ readonly fresh: readonly NewDecision[]; readonly standing: readonly number[] }> {
  const asked = new Map(decisions.map((decision) => [wordsOf(decision), decision]));
  const revocation = alias(fraudDecisions, "revocation");
  const standing: number[] = [];
  const words = [...asked.values()];
  for (let start = 0; start < words.length; start += ROWS_PER_INSERT_MAX) {
    const some = words.slice(start, start + ROWS_PER_INSERT_MAX);
    // Those of the same ranges, by the index on them; the few of them are compared here.
    const ranges = JSON.stringify([...new Set(some.map(({ range }) => rangeText(range)))]);
    const rows = await db
      .select({ decision: fraudDecisions })
      .from(fraudDecisions)
      .innerJoin(
        sql`jsonb_array_elements_text(${ranges}::jsonb) as asked(range)`,
        sql`${fraudDecisions.toAt} = split_part(asked.range, ' ', 2)::timestamptz
          and ${fraudDecisions.fromAt} = split_part(asked.range, ' ', 1)::timestamptz`,
      )
      .leftJoin(revocation, eq(revocation.revokes, fraudDecisions.id))
      .where(and(eq(fraudDecisions.origin, origin), isNull(revocation.id)))
      .orderBy(asc(fraudDecisions.id));
    for (const { decision } of rows) {
      const { fromAt, toAt, reason } = decision;
      if (fromAt === null || toAt === null) continue;
      const range = { fromMs: fromAt.getTime(), toMs: toAt.getTime() };
      // Rows of before are not each other's like alone: only the first of them is told of.
      if (asked.delete(wordsOf({ scope: scopeOf(decision), range, reason }))) {
        standing.push(decision.id);
      }
    }
  }
  return { fresh: [...asked.values()], standing };
}

/** Decisions that say the same have the same text. */
function wordsOf({ scope, range, reason }: NewDecision): string {
  const { advertiserId, campaignId, adId, publisherId, userId, ipNet, eventId } = scope;
  const about = [advertiserId, campaignId, adId, publisherId, userId, ipNet, eventId];
  return JSON.stringify([...about, range.fromMs, range.toMs, reason]);
}

function rangeText({ fromMs, toMs }: InstantRange): string {
  return `${new Date(fromMs).toISOString()} ${new Date(toMs).toISOString()}`;
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
    return { ...queued, ids: added === undefined ? [] : [added.id], standing: [], partitions };
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
