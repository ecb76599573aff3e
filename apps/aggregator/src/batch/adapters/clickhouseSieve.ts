/** Takes the suspects of a slice out of its objects, so many at once as fit into memory. */
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { z } from "zod";
import { countSuspects } from "../domain/sliceSql.ts";
import type { Slice } from "../domain/slices.ts";
import type { Build } from "../ports/truthEngine.ts";
import { buildParams } from "./heldBuild.ts";

/** Some 250 bytes each while they are joined. Usually a slice has a tenth of it; of an attack all may be suspects. */
export const SUSPECTS_AT_ONCE = 1_000_000;

const countRow = z.tuple([z.object({ suspects: z.coerce.number().int() })]);

/** Which suspects a statement takes: those whose id leaves this remainder. */
export interface SievePart {
  readonly part: number;
  readonly parts: number;
}

/** The parts in which the suspects of a slice are taken, once it is written which they are: at least one. */
export async function sieveParts(
  clickhouse: ClickHouseClient,
  build: Build,
  slice: Slice,
  suspectsAtOnce: number,
  settings: ClickHouseSettings,
): Promise<SievePart[]> {
  const result = await clickhouse.query({
    query: countSuspects(slice),
    query_params: buildParams(build),
    format: "JSONEachRow",
    clickhouse_settings: { ...settings, log_comment: "batch.countSuspects" },
  });
  const [{ suspects }] = countRow.parse(await result.json());
  const parts = Math.max(1, Math.ceil(suspects / suspectsAtOnce));
  return Array.from({ length: parts }, (_, part) => ({ part, parts }));
}
