import type { ClickHouseClient } from "@clickhouse/client";
import type { Database } from "./postgres/database.ts";

/** Both databases, as every query takes them. */
export interface Stores {
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
}
