import { rowsOfVersion, type TakenOver } from "@trueclick/db/queries/heldRows";
import { SECOND_MS } from "@trueclick/shared/time";
import type { TakenOver as TakenHours } from "../domain/takenOver.ts";
import type { Build } from "../ports/truthEngine.ts";

/** The parameters that name a build in ClickHouse. */
export function buildParams({ jobId, inputs: { advertiserId, billingDay } }: Build) {
  return { advertiserId, billingDay, buildId: jobId.toString() };
}

const OF_DAY = "advertiser_id = {advertiserId: String} AND billing_day = {billingDay: Date}";

/** Tenant first, then the one build: rows of others, and of died attempts, are not looked at. */
export const OWN_ROWS = `${OF_DAY} AND build_id = {buildId: UInt64}`;

/** The same with what the build takes over of earlier ones. Needs `buildParams`. */
export function heldRows(
  table: Parameters<typeof rowsOfVersion>[0],
  takenOver: readonly TakenHours[],
): string {
  const held = { buildId: 0, takenOver: storedTakenOver(takenOver) };
  return `${OF_DAY}
  AND ${rowsOfVersion(table, held, "{buildId: UInt64}")}`;
}

/** As versions keep it. */
export function storedTakenOver(takenOver: readonly TakenHours[]): TakenOver[] {
  return takenOver.map(({ buildId, hoursMs }) => ({
    buildId: Number(buildId),
    hours: hoursMs.map((hourMs) => hourMs / SECOND_MS),
  }));
}

/** As a count has it. */
export function readTakenOver(takenOver: readonly TakenOver[]): TakenHours[] {
  return takenOver.map(({ buildId, hours }) => ({
    buildId: BigInt(buildId),
    hoursMs: hours.map((hour) => hour * SECOND_MS),
  }));
}
