/** What the edge refused, for those who run it. No tenant is named in it: engineers only. */
import type { RejectCode } from "@trueclick/shared/event/rejection";
import type { SourceId } from "@trueclick/shared/ids";
import { and, desc, eq, getTableColumns, gte, isNull, lt, type SQL, sql, sum } from "drizzle-orm";
import {
  quarantineItems,
  quarantineOverflow,
  type ReplayOutcome,
} from "../postgres/schema/quarantine.ts";
import type { Stores } from "../stores.ts";

type QuarantineStores = Pick<Stores, "db">;

/** Where an item lies in the quarantine's topic; `partition:offset` in text. */
export interface QuarantineId {
  readonly partition: number;
  readonly offset: bigint;
}

export interface QuarantineFilter {
  readonly sourceId?: string | undefined;
  readonly code?: string | undefined;
  /** When the edge took them, epoch milliseconds; `[fromMs, toMs)`. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only those without an outcome of a replay. */
  readonly isPending?: boolean | undefined;
}

export interface QuarantineItem extends QuarantineId {
  readonly topic: string;
  readonly receivedAtMs: number;
  readonly sourceId: SourceId;
  readonly code: RejectCode;
  readonly message: string;
  /** As received, up to what the edge keeps of one item. */
  readonly bytes: Buffer;
  readonly bytesReceived: number;
  readonly userAgent: string | null;
  readonly isPrefetch: boolean;
  readonly replayedAtMs: number | null;
  readonly replayOutcome: ReplayOutcome | null;
}

/** How many refused items were not kept, of one source for one reason. */
export interface QuarantineOverflow {
  readonly sourceId: SourceId;
  readonly code: RejectCode;
  readonly items: number;
}

/** What orders the items: a page goes on behind the key of its last one. */
export type QuarantineKey = Pick<QuarantineItem, "receivedAtMs" | "partition" | "offset">;

/** Most items of one answer. */
export const QUARANTINE_PAGE_MAX = 1_000;
/** Bytes of an item that a list of many shows; an item may have half a megabyte. */
export const QUARANTINE_PREVIEW_BYTES = 1_024;
const OVERFLOW_KINDS_MAX = 1_000;

/**
 * The newest items that a filter lets through, newest first.
 *
 * @param after The last item of the page before; null for the first page.
 */
export async function listQuarantine(
  { db }: QuarantineStores,
  filter: QuarantineFilter,
  { limit, after = null }: { readonly limit: number; readonly after?: QuarantineItem | null },
): Promise<QuarantineItem[]> {
  const table = quarantineItems;
  const rows = await db
    .select()
    .from(table)
    .where(and(matches(filter), after === null ? undefined : isBehind(after)))
    .orderBy(desc(table.receivedAt), desc(table.partition), desc(table.offset))
    .limit(Math.min(limit, QUARANTINE_PAGE_MAX));
  return rows.map(toItem);
}

/** The same, each with the first `QUARANTINE_PREVIEW_BYTES` of its bytes. */
export async function listQuarantinePreviews(
  { db }: QuarantineStores,
  filter: QuarantineFilter,
  { limit, after = null }: { readonly limit: number; readonly after?: QuarantineKey | null },
): Promise<QuarantineItem[]> {
  const table = quarantineItems;
  const bytes = sql<Buffer>`substring(${table.bytes} from 1 for ${QUARANTINE_PREVIEW_BYTES}::int)`;
  const rows = await db
    .select({ ...getTableColumns(table), bytes })
    .from(table)
    .where(and(matches(filter), after === null ? undefined : isBehind(after)))
    .orderBy(desc(table.receivedAt), desc(table.partition), desc(table.offset))
    .limit(Math.min(limit, QUARANTINE_PAGE_MAX + 1));
  return rows.map(toItem);
}

/** One item; null if there is none with this id. */
export async function findQuarantined(
  { db }: QuarantineStores,
  { partition, offset }: QuarantineId,
): Promise<QuarantineItem | null> {
  const table = quarantineItems;
  const isIt = and(eq(table.partition, partition), eq(table.offset, offset));
  const [row] = await db.select().from(table).where(isIt).limit(1);
  return row === undefined ? null : toItem(row);
}

/** What was refused and not kept, by source and reason, most first. */
export async function quarantineOverflowBy(
  { db }: QuarantineStores,
  { sourceId, code, fromMs, toMs }: QuarantineFilter,
): Promise<QuarantineOverflow[]> {
  const table = quarantineOverflow;
  const items = sum(table.items).mapWith(Number);
  return await db
    .select({ sourceId: table.sourceId, code: table.code, items })
    .from(table)
    .where(
      and(
        isText(table.sourceId, sourceId),
        isText(table.code, code),
        fromMs === undefined ? undefined : gte(table.receivedAt, new Date(fromMs)),
        toMs === undefined ? undefined : lt(table.receivedAt, new Date(toMs)),
      ),
    )
    .groupBy(table.sourceId, table.code)
    .orderBy(desc(items))
    .limit(OVERFLOW_KINDS_MAX);
}

/**
 * Replays an item unless events of it were taken before, and notes what came of it. Nobody else
 * replays it meanwhile. If this process dies after `send` and before the note, the next replay sends
 * it again: the same line under the same id, which counts once.
 *
 * @param send Judges the item and answers the outcome. What it throws is thrown, and nothing noted.
 * @returns null if it was taken before, is gone, or somebody else is at it.
 */
export async function replayOnce(
  { db }: QuarantineStores,
  { topic, partition, offset }: QuarantineItem,
  send: (item: QuarantineItem) => Promise<ReplayOutcome>,
): Promise<ReplayOutcome | null> {
  const table = quarantineItems;
  const isIt = and(
    eq(table.topic, topic),
    eq(table.partition, partition),
    eq(table.offset, offset),
  );
  const tookNone = sql`coalesce((${table.replayOutcome}->>'accepted')::int, 0) = 0`;
  return await db.transaction(async (transaction) => {
    const [row] = await transaction
      .select()
      .from(table)
      .where(and(isIt, tookNone))
      .for("update", { skipLocked: true });
    if (row === undefined) return null;
    const replayOutcome = await send(toItem(row));
    await transaction.update(table).set({ replayedAt: sql`now()`, replayOutcome }).where(isIt);
    return replayOutcome;
  });
}

/** @returns null if it is no id of the quarantine. */
export function parseQuarantineId(text: string): QuarantineId | null {
  const match = /^(\d{1,6}):(\d{1,18})$/.exec(text);
  return match === null ? null : { partition: Number(match[1]), offset: BigInt(match[2] ?? "0") };
}

export function formatQuarantineId({ partition, offset }: QuarantineId): string {
  return `${partition}:${offset}`;
}

function matches({ sourceId, code, fromMs, toMs, isPending }: QuarantineFilter): SQL | undefined {
  const table = quarantineItems;
  return and(
    isText(table.sourceId, sourceId),
    isText(table.code, code),
    fromMs === undefined ? undefined : gte(table.receivedAt, new Date(fromMs)),
    toMs === undefined ? undefined : lt(table.receivedAt, new Date(toMs)),
    isPending === true ? isNull(table.replayedAt) : undefined,
  );
}

function isText(column: Parameters<typeof eq>[0], value: string | undefined): SQL | undefined {
  return value === undefined ? undefined : sql`${column} = ${value}`;
}

function isBehind({ receivedAtMs, partition, offset }: QuarantineKey): SQL {
  const table = quarantineItems;
  const place = sql`(${table.receivedAt}, ${table.partition}, ${table.offset})`;
  return sql`${place} < (${new Date(receivedAtMs).toISOString()}::timestamptz, ${partition}::int, ${offset}::bigint)`;
}

function toItem({
  receivedAt,
  replayedAt,
  ...row
}: typeof quarantineItems.$inferSelect): QuarantineItem {
  const replayedAtMs = replayedAt === null ? null : replayedAt.getTime();
  return { ...row, receivedAtMs: receivedAt.getTime(), replayedAtMs };
}
