import type { ClickHouseClient } from "@clickhouse/client";
import { runQuery } from "@trueclick/db/clickhouse/reader";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import type { TakenOver } from "../domain/takenOver.ts";
import { planUnions } from "../domain/usersUnion.ts";
import type { Build } from "../ports/truthEngine.ts";
import { buildParams, heldRows, OWN_ROWS } from "./heldBuild.ts";

const count = z.coerce.number().int().nonnegative();
const membersRow = z.object({ campaignId: campaignIdSchema, members: count });
const usersRow = z.object({ campaignId: z.string(), users: count });

/** Unions at once: each has lists of its own. */
const UNIONS_AT_ONCE = 2;

/** As `TruthEngine.countUsers` has it. */
export async function countUsers(
  clickhouse: ClickHouseClient,
  build: Build,
): Promise<Map<string, number>> {
  const params = buildParams(build);
  const sizes = await runQuery(clickhouse, {
    name: "batch.members",
    sql: membersSql(build.takenOver),
    params,
    row: membersRow,
    settings: { max_threads: 1 },
  });
  const users = new Map<string, number>();
  const waiting = planUnions(sizes);
  const unite = async () => {
    for (let union = waiting.pop(); union !== undefined; union = waiting.pop()) {
      const { campaignIds, part, parts } = union;
      const found = await runQuery(clickhouse, {
        name: "batch.users",
        sql: usersSql(build.takenOver),
        params: { ...params, campaigns: campaignIds, part, parts },
        row: usersRow,
        settings: { max_threads: 1 },
      });
      for (const row of found) {
        users.set(row.campaignId, (users.get(row.campaignId) ?? 0) + row.users);
      }
    }
  };
  await Promise.all(Array.from({ length: UNIONS_AT_ONCE }, unite));
  return users;
}

type OfBuild = (takenOver: readonly TakenOver[]) => string;

/** Of own lists their lengths are read, and no member; what is taken over was added up. */
const membersSql: OfBuild = (takenOver) => `
  SELECT campaign_id AS campaignId, sum(size) AS members
  FROM (
    SELECT campaign_id, length(user_hashes) AS size FROM truth_cube WHERE ${OWN_ROWS}
    UNION ALL
    SELECT campaign_id, user_members FROM truth_hours
    WHERE ${heldRows("truth_hours", takenOver)} AND build_id != {buildId: UInt64}
  )
  GROUP BY campaign_id
  ORDER BY campaign_id`;

// Members are hashes, so their remainders cut a set into parts of one size. A list that is sorted and compacted
// is the same as a set, in two thirds of the time and half of the memory.
const usersSql: OfBuild = (takenOver) => `
  SELECT campaign_id AS campaignId,
    length(arrayCompact(arraySort(groupArrayArray(if({parts: UInt32} = 1, user_hashes,
      arrayFilter(user -> user % {parts: UInt32} = {part: UInt32}, user_hashes)))))) AS users
  FROM truth_cube
  WHERE ${heldRows("truth_cube", takenOver)} AND campaign_id IN ({campaigns: Array(String)})
  GROUP BY campaign_id`;

/** The SQL that users are counted by, by the names of its queries. */
export const USERS_PROGRAM: Readonly<Record<string, string>> = {
  "batch.members": membersSql([]),
  "batch.users": usersSql([]),
};
