/**
 * A cluster of two shards in the one engine of the tests. A shard whose host and port are the engine's
 * own is local: its part of a distributed query is planned and run here by itself, as a node would, and
 * what it gives is merged with the other's. No port is ever opened.
 *
 * Both shards find the same tables. What is on which is told by `shardNum()`, a shard's own number
 * while it runs its part, 0 for whoever asks a table beside its cluster.
 */
export const TWO_SHARDS = { name: "two_shards", shards: 2, replicas: 1 } as const;

const PORT = 9_000;

const SHARD = `<shard>
      <internal_replication>true</internal_replication>
      <replica><host>127.0.0.1</host><port>${PORT}</port></replica>
    </shard>`;

/** What the engine must be told of it. */
export const TWO_SHARDS_CONFIG = `<tcp_port>${PORT}</tcp_port>
  <macros><shard>01</shard><replica>here</replica></macros>
  <remote_servers>
    <${TWO_SHARDS.name}>
    ${SHARD}
    ${SHARD}
    </${TWO_SHARDS.name}>
  </remote_servers>`;

/** Whether the tables of tests are spread over the two shards; else they are those of one engine. */
export function areTestsSharded(): boolean {
  return process.env["TEST_CLICKHOUSE_SHARDS"] === String(TWO_SHARDS.shards);
}
