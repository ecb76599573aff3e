/**
 * What a report must know of Postgres before it reads rows, in one statement: one snapshot and one round
 * trip.
 */
import { createHash } from "node:crypto";
import type { InstantRange } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { asc, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../postgres/database.ts";
import { jsonRowsOf } from "../postgres/jsonRows.ts";
import { preparedOnce } from "../postgres/prepared.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import type { Stores } from "../stores.ts";
import {
  preparedTenantWhere,
  type TenantKind,
  type TenantScope,
  tenantKindIn,
  tenantKindOf,
  tenantParams,
} from "../tenant.ts";
import { LIST_ROWS_MAX } from "./advertisers.ts";
import { type EmptyFacts, emptyFactsOf, emptyFactsSql } from "./emptyDays.ts";
import { parsedOnce } from "./parsedOnce.ts";
import {
  type HotHoursState,
  hotHoursParams,
  hotHoursSchema,
  hotHoursSql,
  type StreamState,
  streamStateSchema,
  streamStateSql,
} from "./streamState.ts";
import {
  pointerParams,
  pointerRowsSchema,
  preparedPointers,
  type TruthPointer,
  toPointers,
} from "./truthPointers.ts";

/** What a report needs of an advertiser. */
export type Account = z.infer<typeof accountSchema>;

export interface ReportFacts {
  /** By id. */
  readonly accounts: readonly Account[];
  /** Of the billing days that the range touches, by advertiser and day. */
  readonly pins: readonly TruthPointer[];
  /** Of the same days, which are known to have closed without an event. */
  readonly empty: EmptyFacts;
  /** All but the watermark is null or 0 where the hot store is not asked. */
  readonly stream: StreamState;
  /** Null where the hot store is not asked. */
  readonly hotHours: HotHoursState | null;
  /** A hash: another whenever accounts or pins are others. */
  readonly register: string;
}

/** Of whom, and which numbers: the hot store's and truth's, truth's alone, or truth's of the past. */
type Asks = "dashboard" | "billing" | "past";
type Kind = `${TenantKind}_${Asks}`;

const accountSchema = z.object({
  id: advertiserIdSchema,
  name: z.string(),
  timeZone: z.string(),
  currency: z.string(),
  settlingHours: z.number(),
});

const UNASKED: StreamState = {
  watermarkMs: null,
  level: 0,
  rolledThroughMs: null,
  written: null,
};

/** @param asOfMs Null for the current versions of truth, epoch milliseconds for those of then. */
export async function reportFacts(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  range: InstantRange,
  asked: { readonly asksHot: boolean; readonly asOfMs: number | null },
): Promise<ReportFacts> {
  const { asksHot, asOfMs } = asked;
  const asks = asksHot ? "dashboard" : asOfMs === null ? "billing" : "past";
  const [row] = await statementOf(db, `${tenantKindOf(scope)}_${asks}`).execute({
    ...tenantParams(scope),
    ...pointerParams(range, asOfMs),
    ...(asksHot ? hotHoursParams(range) : {}),
  });
  if (row === undefined) throw new RangeError("a statement of constants has no row");
  return {
    accounts: accountsOf(row.accounts),
    pins: toPointers(pointerRowsOf(row.pins), range),
    empty: emptyFactsOf(row.empty),
    stream: row.stream === null ? UNASKED : streamStateSchema.parse(JSON.parse(row.stream)),
    hotHours: row.hotHours === null ? null : hotHoursSchema.parse(JSON.parse(row.hotHours)),
    register: createHash("sha256").update(row.accounts).update("\0").update(row.pins).digest("hex"),
  };
}

const accountsOf = parsedOnce(z.array(accountSchema));
const pointerRowsOf = parsedOnce(pointerRowsSchema);

const statementOf = preparedOnce((db, kind: Kind) => {
  const tenant = tenantKindIn(kind);
  const [, asks] = kind.split("_");
  const asksHot = asks === "dashboard";
  const ifHot = (state: SQL): SQL => (asksHot ? sql`(${state})::text` : sql`null::text`);
  return db
    .select({
      accounts: jsonRowsOf(selectAccounts(db, tenant)),
      pins: jsonRowsOf(preparedPointers(db, tenant, asks === "past" ? "past" : "current")),
      empty: emptyFactsSql(tenant, asks === "past" ? "past" : "current"),
      stream: sql<string | null>`${ifHot(streamStateSql())}`,
      hotHours: sql<string | null>`${ifHot(hotHoursSql())}`,
    })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`report_facts_${kind}`);
});

function selectAccounts(db: Database, kind: TenantKind) {
  const { id, name, timeZone, currency, settlingHours } = advertisers;
  return db
    .select({
      id,
      name,
      timeZone: sql`${timeZone}`.as("timeZone"),
      currency,
      settlingHours: sql`${settlingHours}`.as("settlingHours"),
    })
    .from(advertisers)
    .where(preparedTenantWhere(kind, id))
    .orderBy(asc(id))
    .limit(LIST_ROWS_MAX);
}
