import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import type { ClickHouseObjects } from "@trueclick/archive/clickhouseObjects";
import { HOUR_MS } from "@trueclick/shared/time";
import { z } from "zod";
import type { FollowedHour } from "../domain/followed.ts";
import { isFollowedSql } from "../domain/followedSql.ts";
import type { PinnedInputs } from "../domain/inputs.ts";

const answer = z.tuple([z.object({ isFollowed: z.coerce.boolean() })]);

/** Whether what came since may change a row of an hour. */
export async function askFollowed(
  clickhouse: ClickHouseClient,
  objects: ClickHouseObjects,
  inputs: PinnedInputs,
  { slice, kept, added }: FollowedHour,
  settings: ClickHouseSettings,
): Promise<boolean> {
  const rowsOf = (some: readonly { readonly path: string }[]) =>
    objects.rowsOf(some.map(({ path }) => path));
  const query = isFollowedSql(
    {
      rows: rowsOf(slice.objects),
      endMs: slice.lastHourMs + HOUR_MS,
      kept: kept.length === 0 ? null : rowsOf(kept),
      added: rowsOf(added),
    },
    inputs,
  );
  if (query === null) return false;
  const result = await clickhouse.query({
    query,
    format: "JSONEachRow",
    clickhouse_settings: { ...settings, log_comment: "batch.followed" },
  });
  return answer.parse(await result.json())[0].isFollowed;
}
