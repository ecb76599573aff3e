/** Which slices tell which days: looked up beside the versions, and matched with them here. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { and, isNotNull, sql } from "drizzle-orm";
import { z } from "zod";
import { jsonRowsOf } from "../postgres/jsonRows.ts";
import { preparedOnce } from "../postgres/prepared.ts";
import { truthReturns } from "../postgres/schema/returns.ts";
import { isPreparedDay, pointerParams, type TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import {
  preparedTenantWhere,
  type TenantKind,
  type TenantScope,
  tenantKindOf,
  tenantParams,
} from "../tenant.ts";
import type { ReportQuery } from "./reportQuery.ts";
import type { SlicedDay, Slices } from "./truthSlices.ts";

/** Days of advertisers that one report takes from slices: three numbers of each travel in the address. */
const DAYS_MAX = 2_000;
/** Of the days looked up, which are those of a range in any zone, a few are not those of the report. */
const LOOKED_UP_MAX = 2 * DAYS_MAX;

const keptSchema = z.array(
  z.object({
    advertiserId: advertiserIdSchema,
    billingDay: z.string(),
    version: z.number().int(),
    /** The versions of the days before, nearest first, with commas between them. */
    compared: z.string(),
    slicesId: z.number().int(),
  }),
);

/** The slices of a billing day: of which version, and which others its users were compared with. */
export type KeptSlices = z.infer<typeof keptSchema>[number];

/**
 * Whether slices may tell a report: it asks for countries or devices of whole days, and for no publisher or
 * ad. Of others they need not be looked up.
 */
export function asksSlices({ granularity, dimensions, filters }: ReportQuery): boolean {
  const isAsked = (dimension: (typeof dimensions)[number]) =>
    dimensions.includes(dimension) || filters[dimension] !== undefined;
  return (
    (granularity === "total" || granularity === "day") &&
    (isAsked("geo") || isAsked("device")) &&
    !isAsked("ad") &&
    !isAsked("publisher")
  );
}

/**
 * The slices of the billing days that a range may touch. They may be read beside the versions of a report, in
 * another snapshot: each says which versions it is of, and its rows stay for an hour after it was replaced.
 */
export async function keptSlices(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  range: InstantRange,
): Promise<KeptSlices[]> {
  const [row] = await statementOf(db, tenantKindOf(scope)).execute({
    ...tenantParams(scope),
    ...pointerParams(range, null),
  });
  return keptSchema.parse(JSON.parse(row?.kept ?? "[]"));
}

const statementOf = preparedOnce((db, kind: TenantKind) => {
  const { advertiserId, billingDay, version, compared, daySlicesId } = truthReturns;
  const kept = db
    .select({
      advertiserId: sql`${advertiserId}`.as("advertiserId"),
      billingDay: sql`${billingDay}`.as("billingDay"),
      version,
      compared: sql`array_to_string(${compared}, ',')`.as("compared"),
      slicesId: sql`${daySlicesId}`.as("slicesId"),
    })
    .from(truthReturns)
    .where(
      and(
        preparedTenantWhere(kind, advertiserId),
        isPreparedDay(billingDay),
        isNotNull(daySlicesId),
      ),
    )
    .limit(LOOKED_UP_MAX);
  return db
    .select({ kept: jsonRowsOf(kept) })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`kept_slices_${kind}`);
});

/**
 * The slices of pinned versions; null if they do not tell the report: of days that have none, or with users
 * of rows that are not one slice each.
 *
 * @param buckets The bucket of each pin, epoch seconds.
 * @param withUsers Whether users are told; else days may be such as were compared with other versions.
 */
export function findSlices(
  query: ReportQuery,
  kept: readonly KeptSlices[],
  pins: readonly TruthPointer[],
  buckets: readonly number[],
  withUsers: boolean,
): Slices | null {
  if (pins.length > DAYS_MAX || !asksSlices(query)) return null;
  if (withUsers && !isOfOneSlice(query)) return null;
  const byDay = new Map(kept.map((day) => [keyOf(day), day]));
  const bucketed = pins.map((pin, at) => ({ ...pin, bucket: buckets[at] ?? 0 }));
  const rows = Map.groupBy(bucketed, ({ advertiserId, bucket, currency }) => {
    return `${advertiserId} ${bucket} ${currency}`;
  });
  const days: SlicedDay[] = [];
  for (const pinned of rows.values()) {
    for (const { pin, daysBack, before } of withDaysBefore(pinned)) {
      const found = byDay.get(keyOf(pin));
      if (found?.version !== pin.version) return null;
      if (withUsers && !`${found.compared},`.startsWith(before)) return null;
      const { billingDay, bucket, currency } = pin;
      days.push({ id: found.slicesId, billingDay, bucket, currency, daysBack });
    }
  }
  return { days, withUsers };
}

const keyOf = ({ advertiserId, billingDay }: Pick<KeptSlices, "advertiserId" | "billingDay">) =>
  `${billingDay} ${advertiserId}`;

/**
 * The days of one row beside how many days lie before each in it, and the versions of these, nearest first, 0 of a
 * day that has none, each with a comma behind it: a list of numbers for each day would be thousands of them.
 */
function* withDaysBefore<Pin extends Pick<TruthPointer, "billingDay" | "version">>(
  pins: readonly Pin[],
) {
  let before = "";
  let daysBack = 0;
  let last: { readonly number: number; readonly version: number } | null = null;
  for (const pin of pins.toSorted((a, b) => (a.billingDay < b.billingDay ? -1 : 1))) {
    const number = Date.parse(pin.billingDay) / DAY_MS;
    if (last !== null) {
      const days = number - last.number;
      before = `${"0,".repeat(days - 1)}${last.version},${before}`;
      daysBack += days;
    }
    yield { pin, daysBack, before };
    last = { number, version: pin.version };
  }
}

/** Users of a slice are told beside those of the same slice only. */
function isOfOneSlice({ dimensions, filters }: ReportQuery): boolean {
  const isOne = (dimension: "campaign" | "geo" | "device") =>
    dimensions.includes(dimension) || filters[dimension]?.length === 1;
  return isOne("campaign") && isOne("geo") && isOne("device");
}
