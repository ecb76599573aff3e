/** Days that are known to have closed without an event, as readers of numbers ask for them. */
import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema } from "@trueclick/shared/ids";
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { preparedOnce } from "../postgres/prepared.ts";
import type { Stores } from "../stores.ts";
import {
  preparedTenantWhere,
  type TenantKind,
  type TenantScope,
  tenantKindOf,
  tenantParams,
} from "../tenant.ts";
import type { Emptiness } from "./finality.ts";
import { parsedOnce } from "./parsedOnce.ts";
import { pointerParams } from "./truthPointers.ts";

const emptyFactsSchema = z.object({
  /** Days one after the other of one advertiser, the first and the last included. */
  spans: z.array(
    z.object({ advertiserId: advertiserIdSchema, firstDay: z.string(), lastDay: z.string() }),
  ),
  /** Days of these of which a version has events all the same. */
  refuted: z.array(z.object({ advertiserId: advertiserIdSchema, day: z.string() })),
  /** Start of the first event hour that the archive holds anything of, epoch milliseconds. */
  beginsMs: z.number().nullable(),
  /** All that could still count for days that had closed by then was read, epoch milliseconds. */
  readThroughMs: z.number().nullable(),
});
export type EmptyFacts = z.infer<typeof emptyFactsSchema>;

/**
 * SQL of one JSON text, `emptyFactsSchema`, of the days from `firstDay` to `lastDay`, as it is known now or
 * was at `asOf`: part of a prepared statement, by `pointerParams`.
 */
export function emptyFactsSql(kind: TenantKind, when: "current" | "past"): SQL<string> {
  const [firstDay, lastDay] = [sql.placeholder("firstDay"), sql.placeholder("lastDay")];
  const asOf = sql`${sql.placeholder("asOf")}::timestamptz`;
  const until = (instant: SQL) => (when === "past" ? sql`${instant} <= ${asOf}` : sql`true`);
  const between = sql`billing_day between ${firstDay}::date and ${lastDay}::date`;
  const ofTenant = preparedTenantWhere(kind, sql`advertiser_id`);
  const daysOf =
    when === "current"
      ? sql`select advertiser_id,
          days * datemultirange(daterange(${firstDay}::date, ${lastDay}::date, '[]')) as days
        from empty_day_spans where ${ofTenant}`
      : sql`select advertiser_id, range_agg(daterange(billing_day, billing_day + 1)) as days
        from empty_days where ${ofTenant} and ${between} and ${until(sql`shown_at`)}
        group by advertiser_id`;
  return sql<string>`json_build_object(
    'spans', (select coalesce(json_agg(json_build_object('advertiserId', advertiser_id,
        'firstDay', lower(span), 'lastDay', upper(span) - 1)), '[]')
      from (${daysOf}) as shown cross join lateral unnest(days) as span),
    'refuted', (select coalesce(json_agg(json_build_object('advertiserId', advertiser_id,
        'day', billing_day)), '[]')
      from empty_days where refuted_at is not null and ${ofTenant} and ${between}
        and ${until(sql`refuted_at`)}),
    'beginsMs', (select floor(extract(epoch from min(first_hour)) * 1000)
      from (select distinct topic from archive_checkpoints) as topics,
        lateral (select min(event_hour) as first_hour from archive_objects as object
          where object.topic = topics.topic) as first),
    'readThroughMs', (select floor(extract(epoch from read_through) * 1000)
      from empty_day_looks where ${until(sql`looked_at`)} order by id desc limit 1)
  )::text`;
}

/** What was found of days, for look-ups. */
export interface KnownEmptiness {
  /** @param closesMs When the day closes, epoch milliseconds. */
  of(advertiserId: AdvertiserId, day: IsoDay, bounds: InstantRange, closesMs: number): Emptiness;
}

/**
 * A day that ends before the archive's first event is empty for everybody once the archive was read past its
 * close; of others it was noted.
 */
export function knownEmptiness(facts: EmptyFacts): KnownEmptiness {
  const { beginsMs, readThroughMs } = facts;
  const spansOf = Map.groupBy(facts.spans, (span) => span.advertiserId);
  const refuted = new Set(facts.refuted.map(({ advertiserId, day }) => `${day}/${advertiserId}`));
  return {
    of(advertiserId, day, bounds, closesMs) {
      if (refuted.size > 0 && refuted.has(`${day}/${advertiserId}`)) return "refuted";
      const spans = spansOf.get(advertiserId) ?? [];
      if (spans.some(({ firstDay, lastDay }) => firstDay <= day && day <= lastDay)) return "shown";
      const isBefore = beginsMs !== null && bounds.toMs <= beginsMs;
      return isBefore && readThroughMs !== null && closesMs <= readThroughMs ? "shown" : "unknown";
    },
  };
}

/** The same by itself, as it is known now. */
export async function emptyFacts(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  range: InstantRange,
): Promise<EmptyFacts> {
  const [row] = await statementOf(db, tenantKindOf(scope)).execute({
    ...tenantParams(scope),
    ...pointerParams(range, null),
  });
  if (row === undefined) throw new RangeError("a statement of constants has no row");
  return emptyFactsOf(row.empty);
}

/** @throws {z.ZodError} on a text that `emptyFactsSql` does not answer with. */
export const emptyFactsOf = parsedOnce(emptyFactsSchema);

const statementOf = preparedOnce((db, kind: TenantKind) =>
  db
    .select({ empty: emptyFactsSql(kind, "current") })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`empty_facts_${kind}`),
);
