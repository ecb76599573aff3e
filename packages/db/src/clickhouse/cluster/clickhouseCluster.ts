import type { ClickHouseSettings } from "@clickhouse/client";
import { z } from "zod";

/** A cluster as the servers' own `remote_servers` names it. */
export interface ClickHouseCluster {
  readonly name: string;
  /** Of each shard, all of which have a row before it counts as written. */
  readonly replicas: number;
}

const REPLICAS_MAX = 10;

/** The variables that name one. */
export const CLUSTER_VARIABLES = {
  /** The servers behind `CLICKHOUSE_URL` are of this cluster; without it there is one engine. */
  CLICKHOUSE_CLUSTER: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be the name of a cluster")
    .optional(),
  /** Replicas of each shard. */
  CLICKHOUSE_REPLICAS: z.coerce.number().int().min(1).max(REPLICAS_MAX).default(2),
};

const variablesSchema = z.object(CLUSTER_VARIABLES);

/** The cluster that the variables name; null for one engine. */
export function toClickHouseCluster({
  CLICKHOUSE_CLUSTER: name,
  CLICKHOUSE_REPLICAS: replicas,
}: z.infer<typeof variablesSchema>): ClickHouseCluster | null {
  return name === undefined ? null : { name, replicas };
}

/**
 * Reads them from an environment; an empty value counts as none.
 *
 * @throws {z.ZodError} naming the variable that cannot be.
 */
export function parseClickHouseCluster(
  env: Readonly<Record<string, string | undefined>>,
): ClickHouseCluster | null {
  const given = Object.entries(env).filter(([, value]) => value !== "");
  return toClickHouseCluster(variablesSchema.parse(Object.fromEntries(given)));
}

/** What every statement is sent with, so that it means the same as on one engine. */
export function clusterSettings({ replicas }: ClickHouseCluster): ClickHouseSettings {
  return {
    // A sub-query over a distributed table is asked of all shards, once, and its answer goes to each.
    distributed_product_mode: "global",
    // Stored on its shard when answered, or an error: an acknowledgement follows.
    distributed_foreground_insert: 1,
    async_insert: 0,
    // Else rows that a query makes stay on the shards that it read, whatever their keys say.
    parallel_distributed_insert_select: "0",
    // A tenant's rows are on one shard, and no other is asked.
    optimize_skip_unused_shards: 1,
    // On every replica when answered: a reader finds what was written before it asked, whichever replica
    // it meets, and may remember it for good. Of one replica there is no quorum.
    insert_quorum: replicas > 1 ? String(replicas) : "0",
    alter_sync: "2",
    mutations_sync: "2",
    lightweight_deletes_sync: "2",
    // A shard that does not answer is an error, and not a smaller sum.
    skip_unavailable_shards: 0,
    fallback_to_stale_replicas_for_distributed_queries: 0,
  };
}
