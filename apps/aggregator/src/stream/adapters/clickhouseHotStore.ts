import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ClickHouseClient } from "@clickhouse/client";
import type { CellRows } from "../domain/cubes.ts";
import { StoreRejectedError, StoreUnavailableError } from "../ports/faults.ts";
import type { HotStore } from "../ports/hotStore.ts";
import {
  HOT_MINUTES,
  HOT_USERS,
  type HotTable,
  type PartitionCell,
  STREAM_REJECTS,
  toUserRows,
} from "./hotRows.ts";
import { RowBinaryWriter } from "./rowBinary.ts";

/** Rows of one INSERT: some tens of megabytes at the longest ids. */
const INSERT_ROWS_MAX = 50_000;
/**
 * Server errors that pass: timeout, too many queries, memory, network, too many parts, no space, a
 * read-only table, an aborted or cancelled query, an unknown status of an insert, no thread, keeper; and
 * of a cluster no connection, no keeper, a shard that does not answer, fewer replicas than must have rows.
 */
const PASSING_CODES: ReadonlySet<string> = new Set(
  "159 202 203 209 210 225 236 241 242 243 252 279 285 286 319 394 439 999".split(" "),
);

/**
 * Keeps cells in `hot_minutes`, whose engine keeps the highest version of a key, evidence in
 * `stream_rejects`, whose engine keeps one row of a key, and users in `hot_users`, whose engine
 * unites the sets of a key.
 */
export function createClickHouseHotStore(client: ClickHouseClient): HotStore {
  async function insert<Row>(table: HotTable<Row>, rows: Iterable<Row>, signal: AbortSignal) {
    const columns = table.columns.map((column) => `\`${column}\``).join(", ");
    const query = `INSERT INTO ${table.name} (${columns}) FORMAT RowBinary`;
    for (const written of insertsOf(table, rows)) {
      try {
        const { stream } = await client.exec({
          query,
          values: Readable.from([written], { objectMode: false }),
          abort_signal: signal,
          clickhouse_settings: {
            // Stored when answered, or an error: a checkpoint follows.
            async_insert: 0,
            wait_end_of_query: 1,
            // A catch-up may cross many days, a partition each. The engine bounds the days: no event
            // lies further than 60 from its append time.
            max_partitions_per_insert_block: "0",
          },
        });
        // Empty; the connection is free for others once it is read.
        await finished(stream.resume());
      } catch (cause) {
        throw toStoreError(table.name, cause);
      }
    }
  }

  return {
    writeCells: (partition, cells, signal) => {
      return insert(HOT_MINUTES, cellsOf(partition, cells), signal);
    },
    writeUsers: (users, signal) => insert(HOT_USERS, users.flatMap(toUserRows), signal),
    writeRejects: (rejects, signal) => insert(STREAM_REJECTS, rejects, signal),
  };
}

/** The rows as bytes, so many at a time as one INSERT takes. */
function* insertsOf<Row>(table: HotTable<Row>, rows: Iterable<Row>): Generator<Buffer> {
  const writer = new RowBinaryWriter();
  let count = 0;
  for (const row of rows) {
    table.write(writer, row);
    count += 1;
    if (count % INSERT_ROWS_MAX === 0) yield writer.take();
  }
  if (count % INSERT_ROWS_MAX !== 0) yield writer.take();
}

function* cellsOf(partition: number, cells: CellRows): Generator<PartitionCell> {
  for (const cell of cells) yield { partition, cell };
}

function toStoreError(table: string, cause: unknown): Error {
  const code = serverErrorCode(cause);
  return code === undefined || PASSING_CODES.has(code)
    ? new StoreUnavailableError(`ClickHouse did not confirm rows of ${table}`, { cause })
    : new StoreRejectedError(`ClickHouse refused rows of ${table}`, { cause });
}

/**
 * The error number, if it was the server that answered. Read by shape, since `instanceof` fails
 * when two copies of the client are installed; digits only, since Node's own are like `ECONNRESET`.
 */
function serverErrorCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  return typeof cause.code === "string" && /^\d+$/.test(cause.code) ? cause.code : undefined;
}
