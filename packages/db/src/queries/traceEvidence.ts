/** What ClickHouse holds of one event. Times are epoch milliseconds. */
import type { ClickHouseClient } from "@clickhouse/client";
import { z } from "zod";
import { runQuery } from "../clickhouse/reader.ts";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import { streamEvidenceSql } from "./streamEvidence.ts";

const coordinateSchema = z.object({
  partition: z.coerce.number().int(),
  offset: z.coerce.bigint(),
  index: z.coerce.number().int(),
});

const copySchema = coordinateSchema.extend({
  campaign: z.string(),
  event_type: z.string(),
  hour_ms: z.coerce.number().int(),
  event_time_ms: z.coerce.number().int(),
});
export type EventCopy = z.infer<typeof copySchema>;

/** A copy that the row index of the archive knows. */
export type IndexedCopy = EventCopy & { readonly path: string; readonly row: number };

/**
 * The archived copies of an event, at most `copiesMax`. The index knows no advertiser: the caller
 * shows only those whose campaign the reader sees.
 */
export function indexedCopies(
  clickhouse: ClickHouseClient,
  eventId: string,
  copiesMax: number,
): Promise<IndexedCopy[]> {
  return runQuery(clickhouse, {
    name: "indexedCopies",
    params: { event_id: eventId, copies_max: copiesMax },
    row: copySchema.extend({ path: z.string(), row: z.coerce.number().int() }),
    sql: `
      SELECT
        partition, offset, \`index\`,
        campaign_id AS campaign,
        event_type,
        toUnixTimestamp(event_hour) * 1000 AS hour_ms,
        toUnixTimestamp64Milli(event_time) AS event_time_ms,
        path,
        \`row\`
      FROM event_index FINAL
      WHERE event_id = {event_id: String}
      ORDER BY partition, offset, \`index\`
      LIMIT {copies_max: UInt32}
    `,
  });
}

export type RejectedCopy = EventCopy & { readonly reason: string };

/**
 * The copies that the stream did not count, and why; without those that a backfill counted. `campaignIds` are the tenant's: rejects that
 * came before a campaign was known here bear no advertiser, and are found by it.
 */
export function rejectedCopies(
  clickhouse: ClickHouseClient,
  scope: TenantScope,
  params: {
    readonly eventId: string;
    readonly campaignIds: readonly string[];
    readonly copiesMax: number;
  },
): Promise<RejectedCopy[]> {
  return runTenantQuery(clickhouse, scope, {
    name: "rejectedCopies",
    params: {
      event_id: params.eventId,
      campaigns: params.campaignIds,
      copies_max: params.copiesMax,
    },
    row: copySchema.extend({ reason: z.string() }),
    sql: `
      SELECT
        partition, offset, \`index\`,
        campaign_id AS campaign,
        event_type,
        toUnixTimestamp(event_hour) * 1000 AS hour_ms,
        toUnixTimestamp64Milli(event_time) AS event_time_ms,
        toString(reason) AS reason
      FROM ${streamEvidenceSql(`(${TENANT_CONDITION}
          OR (advertiser_id = '' AND campaign_id IN ({campaigns: Array(String)})))
        AND event_id = {event_id: String}`)}
      ORDER BY partition, offset, \`index\`
      LIMIT {copies_max: UInt32}
    `,
  });
}

const judgedSchema = coordinateSchema.extend({
  build_id: z.coerce.number().int(),
  verdict: z.string(),
});
export type JudgedCopy = z.infer<typeof judgedSchema>;

/** The verdicts on the copies of an event in builds of truth, but `valid`, which leaves no evidence. */
export function judgedCopies(
  clickhouse: ClickHouseClient,
  scope: TenantScope,
  params: { readonly eventId: string; readonly builds: readonly number[] },
): Promise<JudgedCopy[]> {
  return runTenantQuery(clickhouse, scope, {
    name: "judgedCopies",
    params: { event_id: params.eventId, builds: params.builds },
    row: judgedSchema,
    sql: `
      SELECT partition, offset, \`index\`, build_id, toString(verdict) AS verdict
      FROM truth_rejects
      WHERE ${TENANT_CONDITION}
        AND build_id IN ({builds: Array(UInt64)})
        AND event_id = {event_id: String}
    `,
  });
}

const creditSchema = coordinateSchema.extend({
  build_id: z.coerce.number().int(),
  window_days: z.coerce.number().int(),
  value_micros: z.coerce.bigint(),
  /** Why it was credited to none; empty of one that is credited. */
  not_credited: z.string(),
  click_event_id: z.string(),
});
export type CreditedCopy = z.infer<typeof creditSchema>;

/** What the copies of a conversion were credited to in builds of truth, or why to nothing. */
export function creditedCopies(
  clickhouse: ClickHouseClient,
  scope: TenantScope,
  params: { readonly eventId: string; readonly builds: readonly number[] },
): Promise<CreditedCopy[]> {
  return runTenantQuery(clickhouse, scope, {
    name: "creditedCopies",
    params: { event_id: params.eventId, builds: params.builds },
    row: creditSchema,
    sql: `
      SELECT partition, offset, \`index\`, build_id, window_days, value_micros, not_credited,
        click_event_id
      FROM truth_conversions
      WHERE ${TENANT_CONDITION}
        AND build_id IN ({builds: Array(UInt64)})
        AND event_id = {event_id: String}
    `,
  });
}
