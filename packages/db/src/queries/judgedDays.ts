/** What the counted days have judged: the clicks that conversions of later days are credited to. */
import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { and, gte, sql } from "drizzle-orm";
import { isCurrentVersion } from "../postgres/currentVersion.ts";
import { truthCurrent, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
import type { CountedDay, CountedDays } from "./countedDays.ts";

type Reader = { readonly db: Pick<Stores["db"], "select"> };

/** By advertiser, then by day: the hash of what the current version has judged. */
export type JudgedDays = ReadonlyMap<AdvertiserId, ReadonlyMap<IsoDay, string>>;

/** SQL of the hash of what a version has judged. Before there were credits it was the content's. */
export const JUDGED_HASH = sql<string>`coalesce(${truthVersions.judgedHash}, ${truthVersions.contentHash})`;

/** What the days have judged that conversions were credited to; asked only where there are some. */
export async function judgedBefore(
  reader: Reader,
  scope: TenantScope,
  counted: CountedDays,
): Promise<JudgedDays> {
  const days = [...counted.values()].flatMap((ofAdvertiser) =>
    [...ofAdvertiser.values()].flatMap((day) => Object.keys(day.counted?.lookback ?? {})),
  );
  const first = days.reduce<string | null>((least, day) => {
    return least === null || day < least ? day : least;
  }, null);
  return first === null ? new Map() : judgedDays(reader, scope, first);
}

/** The current versions of a scope's days from one on. */
async function judgedDays(
  { db }: Reader,
  scope: TenantScope,
  firstDay: IsoDay,
): Promise<JudgedDays> {
  const { advertiserId, billingDay } = truthVersions;
  const rows = await db
    .select({ advertiserId, billingDay, judgedHash: JUDGED_HASH })
    .from(truthCurrent)
    .innerJoin(truthVersions, isCurrentVersion())
    .where(
      and(tenantWhere(scope, truthCurrent.advertiserId), gte(truthCurrent.billingDay, firstDay)),
    );
  const byAdvertiser = Map.groupBy(rows, (row) => row.advertiserId);
  return new Map(
    [...byAdvertiser].map(([advertiser, own]) => [
      advertiser,
      new Map(own.map((row) => [row.billingDay, row.judgedHash])),
    ]),
  );
}

type CountedLookback = NonNullable<CountedDay["counted"]>["lookback"];

/**
 * Whether clicks that a day's conversions were credited to may be others now.
 *
 * @param lookback The hash by day that was pinned, null of a day that was not counted; null of a day
 *   without conversions.
 */
export function isOtherLookback(
  lookback: CountedLookback,
  judged: ReadonlyMap<IsoDay, string> | undefined,
): boolean {
  return Object.entries(lookback ?? {}).some(([day, hash]) => (judged?.get(day) ?? null) !== hash);
}
