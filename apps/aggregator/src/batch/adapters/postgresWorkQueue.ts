import type { Database } from "@trueclick/db/postgres/database";
import type { backtests } from "@trueclick/db/postgres/schema/rules";
import type { verifications } from "@trueclick/db/postgres/schema/verifications";
import { type SQL, sql } from "drizzle-orm";
import { JobLostError } from "../ports/jobQueue.ts";
import type { Claim, WorkQueue } from "../ports/workQueue.ts";
import { ATTEMPTS_MAX, LEASE_MS } from "./postgresJobQueue.ts";

/** How long a work waits after its first error, seconds; after the next four times as long. */
const RETRY_S = 5;

const leaseEnd = sql`now() + make_interval(secs => ${LEASE_MS / 1_000})`;

export interface PostgresWorkQueue extends WorkQueue {
  /** Takes the oldest that waits, or whose worker died; null when there is none, or when it has died too often. */
  claim(): Promise<Claim | null>;
  /** Sets columns of a work, and that its worker lives. @throws {JobLostError} */
  set(claim: Claim, columns: SQL): Promise<void>;
  /** Ends a work with its result. @throws {JobLostError} */
  finish(claim: Claim, result: unknown): Promise<void>;
}

/**
 * A queue in a table whose rows have the columns of a work. What a worker writes is fenced by its attempt: one
 * that was thought dead, and comes back, finds another number there and changes nothing.
 */
export function createPostgresWorkQueue(
  db: Pick<Database, "execute">,
  table: typeof verifications | typeof backtests,
): PostgresWorkQueue {
  const write = async ({ id, attempt }: Claim, columns: SQL): Promise<boolean> => {
    const { rowCount } = await db.execute(sql`
      update ${table} set ${columns}
      where id = ${id} and state = 'running' and attempts = ${attempt}`);
    return rowCount === 1;
  };
  const owned = async (claim: Claim, columns: SQL): Promise<void> => {
    if (await write(claim, columns)) return;
    throw new JobLostError(`attempt ${claim.attempt} at work ${claim.id} is not the last one`);
  };
  return {
    claim: () => claim(db, table),
    set: (work, columns) => owned(work, sql`${columns}, lease_until = ${leaseEnd}`),
    renew: (work) => owned(work, sql`lease_until = ${leaseEnd}`),

    finish: (work, result) =>
      owned(
        work,
        sql`state = 'done', result = ${JSON.stringify(result)}::jsonb, finished_at = now(), lease_until = null`,
      ),

    async handBack(work) {
      await write(work, sql`state = 'queued', lease_until = null`);
    },

    async retry(work, error) {
      const isLast = sql`failures + 1 >= ${ATTEMPTS_MAX}::int`;
      const waits = sql`now() + ${RETRY_S}::int * power(4, failures) * interval '1 second'`;
      await write(
        work,
        sql`failures = failures + 1,
          state = case when ${isLast} then 'failed' else 'queued' end,
          error = case when ${isLast} then ${lastError(error)}::text end,
          finished_at = case when ${isLast} then now() end,
          lease_until = case when ${isLast} then null else ${waits} end`,
      );
    },

    async fail(work, error) {
      await write(
        work,
        sql`state = 'failed', error = ${error}, finished_at = now(), lease_until = null`,
      );
    },
  };
}

/** One statement, so that a process that dies after it holds the claim or does not. */
async function claim(
  db: Pick<Database, "execute">,
  table: typeof verifications | typeof backtests,
): Promise<Claim | null> {
  const isLast = sql`next.failures >= ${ATTEMPTS_MAX}::int`;
  const { rows } = await db.execute<{ id: string; attempts: number; state: string }>(sql`
    with next as materialized (
      select id, failures + (state = 'running')::int as failures from ${table}
      where state in ('queued', 'running') and (lease_until is null or lease_until < now())
      order by id limit 1 for update skip locked)
    update ${table} work
    set attempts = work.attempts + 1, failures = next.failures,
      state = case when ${isLast} then 'failed' else 'running' end,
      error = case when ${isLast} then ${lastError("its runner died")}::text end,
      finished_at = case when ${isLast} then now() end,
      lease_until = case when ${isLast} then null else ${leaseEnd} end
    from next where work.id = next.id
    returning work.id, work.attempts, work.state`);
  const [taken] = rows;
  if (taken === undefined || taken.state === "failed") return null;
  return { id: Number(taken.id), attempt: taken.attempts };
}

const lastError = (error: string) =>
  `${error}; that was failure ${ATTEMPTS_MAX} of ${ATTEMPTS_MAX}`;
