/** Cursors: the key of the last row of a page, opaque to whoever hands it back. */
import { z } from "zod";
import { badParameter } from "./answer.ts";

const PAGE_ROWS_DEFAULT = 100;
const PAGE_ROWS_MAX = 1_000;

/** Parameters of every list. */
export const pageParams = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(PAGE_ROWS_MAX)
    .default(PAGE_ROWS_DEFAULT)
    .describe("Most rows of the answer"),
  cursor: z.string().optional().describe("next_cursor of the page before"),
};

/** What a list answers. */
export function listOf<Row extends z.ZodType>(row: Row) {
  return z.object({ rows: z.array(row), next_cursor: z.string().nullable() });
}

/** @throws {RestError} 400 for a cursor that no page of this list gave. */
export function parseCursor<Key>(cursor: string | undefined, key: z.ZodType<Key>): Key | undefined {
  if (cursor === undefined) return undefined;
  try {
    return key.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"), keepText));
  } catch {
    throw badParameter("cursor", "must be the next_cursor of an answer to this request");
  }
}

/** No answer gives a text that Postgres cannot hold. */
function keepText(_name: string, value: unknown): unknown {
  if (typeof value === "string" && value.includes("\0")) throw new RangeError("holds U+0000");
  return value;
}

/**
 * The page of `limit` rows, out of `limit` + 1 that were asked for: the one too many says that there
 * is another page, which starts after the last row of this one.
 */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => unknown,
): { readonly rows: readonly Row[]; readonly next_cursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    rows: page,
    next_cursor: more ? Buffer.from(JSON.stringify(keyOf(last))).toString("base64url") : null,
  };
}
