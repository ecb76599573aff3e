import type { Database } from "@trueclick/db/postgres/database";
import { leaseMembers, partitionLeases } from "@trueclick/db/postgres/schema/leases";
import { SECOND_MS } from "@trueclick/shared/time";
import { and, asc, eq, gt, inArray, isNull, lt, ne, or, sql } from "drizzle-orm";
import type { LeaseStore } from "../ports/leaseStore.ts";

export interface LeaseIdentity {
  /** Those who share out the same partitions: a role and its topic. */
  readonly group: string;
  /** New at every start of a process. */
  readonly member: string;
  /** What stays the same when the process is started again, as a pod of a set; null when nothing does. */
  readonly instance: string | null;
  /** A member that has not renewed for so long is dead. */
  readonly leaseMs: number;
}

const FREE = { holder: null, expiresAt: null };

type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];

/** Keeps leases in `partition_leases` and `lease_members`. Only the clock of Postgres is asked. */
export function createPostgresLeaseStore(db: Database, identity: LeaseIdentity): LeaseStore {
  const { group, member, instance, leaseMs } = identity;
  const leaseEnd = sql`clock_timestamp() + make_interval(secs => ${leaseMs / SECOND_MS})`;
  const ofGroup = eq(partitionLeases.leaseGroup, group);
  const mine = and(ofGroup, eq(partitionLeases.holder, member));

  return {
    join: (partitionCount) => db.transaction((tx) => join(tx, identity, partitionCount)),

    async renew() {
      await db
        .insert(leaseMembers)
        .values({ leaseGroup: group, member, instance, expiresAt: leaseEnd })
        .onConflictDoUpdate({
          target: [leaseMembers.leaseGroup, leaseMembers.member],
          set: { expiresAt: leaseEnd },
        });
      const renewed = await db
        .update(partitionLeases)
        .set({ expiresAt: leaseEnd })
        .where(mine)
        .returning({ partition: partitionLeases.partition });
      const alive = await db
        .select({ member: leaseMembers.member })
        .from(leaseMembers)
        .where(
          and(
            eq(leaseMembers.leaseGroup, group),
            gt(leaseMembers.expiresAt, sql`clock_timestamp()`),
          ),
        );
      const held = renewed.map(({ partition }) => partition).sort((a, b) => a - b);
      return { members: alive.map((row) => row.member), held };
    },

    async claim(count, partitionCount) {
      const nobodys = or(
        isNull(partitionLeases.holder),
        lt(partitionLeases.expiresAt, sql`clock_timestamp()`),
      );
      return db.transaction(async (tx) => {
        const claimable = await tx
          .select({ partition: partitionLeases.partition })
          .from(partitionLeases)
          .where(and(ofGroup, nobodys, lt(partitionLeases.partition, partitionCount)))
          .orderBy(asc(partitionLeases.partition))
          .limit(count)
          .for("update", { skipLocked: true });
        const partitions = claimable.map(({ partition }) => partition);
        if (partitions.length === 0) return [];
        await tx
          .update(partitionLeases)
          .set({ holder: member, expiresAt: leaseEnd })
          .where(and(ofGroup, inArray(partitionLeases.partition, partitions)));
        return partitions;
      });
    },

    async release(partitions) {
      const given = and(mine, inArray(partitionLeases.partition, [...partitions]));
      await db.update(partitionLeases).set(FREE).where(given);
    },

    async leave() {
      await db.update(partitionLeases).set(FREE).where(mine);
      await db
        .delete(leaseMembers)
        .where(and(eq(leaseMembers.leaseGroup, group), eq(leaseMembers.member, member)));
    },
  };
}

async function join(
  tx: Transaction,
  { group, member, instance }: LeaseIdentity,
  partitionCount: number,
): Promise<void> {
  const partitions = Array.from({ length: partitionCount }, (_none, at) => at);
  const rows = partitions.map((partition) => ({ leaseGroup: group, partition }));
  await tx.insert(partitionLeases).values(rows).onConflictDoNothing();
  const gone = await tx
    .delete(leaseMembers)
    .where(
      and(
        eq(leaseMembers.leaseGroup, group),
        ne(leaseMembers.member, member),
        or(
          lt(leaseMembers.expiresAt, sql`clock_timestamp()`),
          instance === null ? undefined : eq(leaseMembers.instance, instance),
        ),
      ),
    )
    .returning({ member: leaseMembers.member });
  const holders = gone.map((row) => row.member);
  if (holders.length === 0) return;
  await tx
    .update(partitionLeases)
    .set(FREE)
    .where(and(eq(partitionLeases.leaseGroup, group), inArray(partitionLeases.holder, holders)));
}
