import { ARCHIVE_COLUMNS, type ColumnType } from "../domain/columns.ts";
import { type ParquetColumn, PHYSICAL } from "../parquet/parquetFile.ts";

const UTF8 = 0;
const TIMESTAMP_MILLIS = 9;

const TYPES = {
  string: { physical: PHYSICAL.bytes, converted: UTF8 },
  int32: { physical: PHYSICAL.int32 },
  int64: { physical: PHYSICAL.int64 },
  timestamp_ms: { physical: PHYSICAL.int64, converted: TIMESTAMP_MILLIS },
  bool: { physical: PHYSICAL.boolean },
  bytes: { physical: PHYSICAL.bytes },
  hash128: { physical: PHYSICAL.fixed, length: 16 },
} as const satisfies Record<ColumnType, Partial<ParquetColumn>>;

/** The archive's columns as Parquet has them. */
export const PARQUET_COLUMNS: readonly ParquetColumn[] = ARCHIVE_COLUMNS.map(
  ({ name, type, optional }) => ({ name, optional, ...TYPES[type] }),
);
