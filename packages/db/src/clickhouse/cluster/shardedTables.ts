/**
 * By which column the rows of each table are spread over a cluster's shards. All versions of a row must
 * meet on one shard, which alone can fold them: the column is one of the sorting key.
 *
 * A table that is not in here cannot be made on a cluster.
 */
export const SHARDED_BY = {
  hot_minutes: "advertiser_id",
  hot_hours: "advertiser_id",
  hot_users: "advertiser_id",
  stream_rejects: "advertiser_id",
  stream_corrections: "advertiser_id",
  truth_cube: "advertiser_id",
  truth_rejects: "advertiser_id",
  truth_hours: "advertiser_id",
  truth_clicks: "advertiser_id",
  truth_conversions: "advertiser_id",
  truth_day_slices: "advertiser_id",
  truth_slices: "advertiser_id",
  // What a job has while it is at work names no advertiser, but all of it is one build's.
  staged_conversions: "build_id",
  truth_keys: "build_id",
  truth_suspects: "build_id",
  truth_suspect_ids: "build_id",
  unlinked_clicks: "build_id",
  // Looked up by what they are indexed by, of any advertiser.
  event_index: "event_id",
  event_copies: "event_id",
  token_uses: "token_key",
  user_agent_facts: "agent_hash",
  datacenter_nets: "ip_net",
} as const;

export type ShardedTable = keyof typeof SHARDED_BY;

/** @throws {RangeError} if nobody has said how the table's rows are spread. */
export function shardedTable(name: string): ShardedTable {
  if (!isShardedTable(name)) {
    throw new RangeError(`no sharding key is known of the table ${name}: SHARDED_BY must name one`);
  }
  return name;
}

function isShardedTable(name: string): name is ShardedTable {
  return Object.hasOwn(SHARDED_BY, name);
}

/** SQL of the number whose remainder names the shard of a row. */
export function shardingKey(table: ShardedTable): string {
  return `cityHash64(${SHARDED_BY[table]})`;
}

/** What a shard has of a table, under a name that no query of ours says. */
export function localTable(table: ShardedTable): string {
  return `${table}_local`;
}
