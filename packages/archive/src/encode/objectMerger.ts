import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { HourColumns, ROW_GROUP_ROWS } from "./hourColumns.ts";
import { storedRowSchema } from "./storedRow.ts";

/** Rows decoded at once: a row group, which is decoded whole whatever is asked of it. */
const ROWS_PER_READ = ROW_GROUP_ROWS;

/**
 * Makes one object of the rows of several, in their order. Values are copied as they are stored: what
 * another version of this program would say of a line has no part in it.
 *
 * @param base The first offset of the first object.
 */
export async function mergeObjects(base: bigint, objects: readonly Uint8Array[]) {
  const columns = new HourColumns(ROW_GROUP_ROWS);
  columns.begin(base);
  for (const object of objects) {
    // Not of a pool: the reader takes the whole buffer for the file.
    const file = new Uint8Array(object).buffer;
    const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };
    for (let rowStart = 0; ; rowStart += ROWS_PER_READ) {
      const rowEnd = rowStart + ROWS_PER_READ;
      const rows = await parquetReadObjects({ file, compressors, utf8: false, rowStart, rowEnd });
      for (const row of rows) columns.addStored(storedRowSchema.parse(row));
      if (rows.length < ROWS_PER_READ) break;
    }
  }
  return { rows: columns.rows, bytes: columns.finish() };
}
