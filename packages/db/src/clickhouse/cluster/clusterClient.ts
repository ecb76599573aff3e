import type { ClickHouseClient } from "@clickhouse/client";
import { shardedTable } from "./shardedTables.ts";

/**
 * The same client, whose every statement goes through `render` before it is sent: so no statement
 * reaches a cluster that is not known to mean the same there.
 *
 * @param render The statements in the place of one, in their order; throws for one that is not known.
 */
export function renderStatements(
  client: ClickHouseClient,
  render: (sql: string) => readonly string[],
): ClickHouseClient {
  const { command, exec, insert, query } = {
    command: client.command.bind(client),
    exec: client.exec.bind(client),
    insert: client.insert.bind(client),
    query: client.query.bind(client),
  };
  const only = (sql: string) => {
    const [first, ...others] = render(sql);
    if (first === undefined || others.length > 0) {
      throw new RangeError(`no single statement answers: ${sql.slice(0, 200)}`);
    }
    return first;
  };
  client.command = async (params) => {
    const statements = render(params.query);
    for (const statement of statements.slice(0, -1)) await command({ ...params, query: statement });
    return command({ ...params, query: statements.at(-1) ?? params.query });
  };
  client.exec = async (params) => exec({ ...params, query: only(params.query) });
  client.query = async (params) => query({ ...params, query: only(params.query) });
  client.insert = async (params) => {
    shardedTable(params.table);
    return insert(params);
  };
  return client;
}
