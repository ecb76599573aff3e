/** Pinned days beside what is kept of their users, if it was counted beside the versions that are pinned. */
import type { IsoDay } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";
import { type SQL, sql } from "drizzle-orm";
import { truthReturns } from "../postgres/schema/returns.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";

/** A pin, and the versions that its users must have been compared with. */
export interface ComparedPin extends TruthPointer {
  readonly bucket: number;
  /** Of the days before it in the bucket, nearest first; 0 of a day that has none. */
  readonly compared: readonly number[];
}

const dayNumber = (day: IsoDay) => Date.parse(day) / DAY_MS;

/** Days of another currency are in another row, and so are none of the days before. */
export function comparePins(
  pins: readonly TruthPointer[],
  buckets: readonly number[],
): readonly ComparedPin[] {
  const bucketed = pins.map((pin, at) => ({ ...pin, bucket: buckets[at] ?? 0 }));
  const rows = Map.groupBy(bucketed, ({ advertiserId, bucket, currency }) =>
    JSON.stringify([advertiserId, bucket, currency]),
  );
  return [...rows.values()].flatMap((days) => {
    const versions = new Map(days.map((pin) => [dayNumber(pin.billingDay), pin.version]));
    const first = Math.min(...versions.keys());
    return days.map((pin) => {
      const number = dayNumber(pin.billingDay);
      const compared = Array.from({ length: number - first }, (_none, at) => {
        return versions.get(number - 1 - at) ?? 0;
      });
      return { ...pin, compared };
    });
  });
}

/** The pins as a table, beside the returns of each if they are those that are asked for. */
export function pinsTable(pins: readonly ComparedPin[]): SQL {
  const list = (of: (pin: ComparedPin) => string | number) => sql.param(pins.map(of));
  return sql`unnest(
      ${list((pin) => pin.advertiserId)}::text[],
      ${list((pin) => pin.billingDay)}::date[],
      ${list((pin) => pin.version)}::int[],
      ${list((pin) => pin.bucket)}::bigint[],
      ${list((pin) => pin.currency)}::text[],
      ${list((pin) => pin.compared.length)}::int[],
      ${comparedLists(pins)}::text[]
    ) as pin (advertiser_id, billing_day, version, bucket, currency, days, compared)
    left join ${truthReturns} on ${truthReturns.advertiserId} = pin.advertiser_id
      and ${truthReturns.billingDay} = pin.billing_day and ${truthReturns.version} = pin.version
      and ${truthReturns.compared}[1:pin.days] = pin.compared::int[]`;
}

/** A list of lists, as Postgres reads it: the driver would look through each for what to escape. */
function comparedLists(pins: readonly ComparedPin[]): string {
  return `{${pins.map(({ compared }) => `"{${compared.join()}}"`).join()}}`;
}
