import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/** SQL of one text: the rows of a select as an array of JSON objects, in the select's order. */
export function jsonRowsOf(select: SQLWrapper): SQL<string> {
  return sql<string>`(select coalesce(json_agg(found), '[]')::text from (${select}) as found)`;
}
