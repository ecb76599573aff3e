/** Looks at drift unasked, so that a difference without a cause is told of (invariant I8). */
import type { InstantRange } from "@trueclick/shared/calendar";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { and, count, desc, gte, lt, min, sql } from "drizzle-orm";
import { driftUnexplained, driftWatch } from "../postgres/schema/drift.ts";
import { HOT_COVERAGE_MS, ReportQueryError } from "../routing/route.ts";
import type { Stores } from "../stores.ts";
import type { DriftRow } from "./drift.ts";
import { changedDriftDays, noteDriftDay } from "./driftDays.ts";
import {
  dropDriftLines,
  keepDriftLines,
  type NumberedDrift,
  readDriftToKeep,
} from "./keepDriftLines.ts";

/**
 * What each look covers: the newest hours that have ended, one of the days before them in turn, and some of
 * which something has changed.
 */
const NEWEST_MS = 2 * DAY_MS;
const OLDER_DAYS = Math.floor((HOT_COVERAGE_MS - NEWEST_MS) / DAY_MS);
/** As long as an hour may be kept that it was of, and a day. */
const READINGS_KEPT_MS = HOT_COVERAGE_MS + DAY_MS;
/** Rows of one insert. */
const ROWS_PER_INSERT_MAX = 2_000;
/** Places that are named; their number is told whole. */
const PLACES_NAMED_MAX = 5;

/** Where stream and truth differ by clicks that no cause explains. */
export interface UnexplainedDrift {
  /** Sum of the differences, each without its sign: one of +1 and one of −1 are two. */
  readonly clicks: number;
  /** Campaigns times hours. */
  readonly places: number;
  /** When the oldest of them was first seen, epoch milliseconds; null where there is none. */
  readonly sinceMs: number | null;
  /** When a look last came to its end, epoch milliseconds; null before any did. */
  readonly checkedMs: number | null;
  /** The largest few. */
  readonly largest: readonly UnexplainedPlace[];
}

interface UnexplainedPlace {
  readonly advertiserId: string;
  readonly campaignId: string;
  /** Start of the UTC hour of event time, epoch milliseconds. */
  readonly hourMs: number;
  readonly unexplained: number;
}

/**
 * Looks at drift if nobody has for `intervalMs`, and notes what no cause explains. One that two looks
 * in a row do not see in common is no finding: stores that are written to are not read in one moment.
 * It reads all rows whatever is kept, and keeps what it has read for those who ask (decision 149).
 *
 * @returns whether it looked to the end.
 */
export async function lookAtDrift(
  stores: Stores,
  intervalMs: number,
  nowMs: number,
): Promise<boolean> {
  const looks = await claimLook(stores, intervalMs, nowMs);
  if (looks === null) return false;
  const ranges = rangesOf(looks, nowMs);
  for (const range of ranges) await lookAt(stores, range, nowMs);
  // What was kept of a day that was counted again is over, and somebody may ask why.
  const newestMs = Math.max(...ranges.map(({ fromMs }) => fromMs));
  const days = { fromMs: nowMs - HOT_COVERAGE_MS, toMs: newestMs };
  for (const changed of await changedDriftDays(stores, days)) {
    await lookAt(stores, changed, nowMs);
    await noteDriftDay(stores, changed);
  }
  // What the hot store has forgotten can no longer be compared.
  const beforeMs = nowMs - HOT_COVERAGE_MS;
  await stores.db
    .delete(driftUnexplained)
    .where(lt(driftUnexplained.eventHour, new Date(beforeMs)));
  // A reading is of hours that had ended before it.
  await dropDriftLines(stores, { beforeMs, readingsBeforeMs: Date.now() - READINGS_KEPT_MS });
  await stores.db.update(driftWatch).set({ checkedAt: new Date(nowMs) });
  return true;
}

/** What was found by all looks so far. Holds ids of tenants: for operators. */
export async function unexplainedDrift({ db }: Pick<Stores, "db">): Promise<UnexplainedDrift> {
  const [[sums], [watch], largest] = await Promise.all([
    db
      .select({
        places: count(),
        clicks: sql`coalesce(sum(abs(${driftUnexplained.unexplained})), 0)`.mapWith(Number),
        since: min(driftUnexplained.firstSeenAt),
      })
      .from(driftUnexplained),
    db.select({ checkedAt: driftWatch.checkedAt }).from(driftWatch),
    db
      .select()
      .from(driftUnexplained)
      .orderBy(desc(sql`abs(${driftUnexplained.unexplained})`), desc(driftUnexplained.eventHour))
      .limit(PLACES_NAMED_MAX),
  ]);
  return {
    clicks: sums?.clicks ?? 0,
    places: sums?.places ?? 0,
    sinceMs: sums?.since?.getTime() ?? null,
    checkedMs: watch?.checkedAt?.getTime() ?? null,
    largest: largest.map(({ advertiserId, campaignId, eventHour, unexplained }) => ({
      ...{ advertiserId, campaignId, hourMs: eventHour.getTime() },
      unexplained: Number(unexplained),
    })),
  };
}

/** The number of this look, for the one process that is to do it; null for all others. */
async function claimLook(
  { db }: Stores,
  intervalMs: number,
  nowMs: number,
): Promise<number | null> {
  const [claimed] = await db
    .insert(driftWatch)
    .values({ id: 1, startedAt: new Date(nowMs), looks: 0 })
    .onConflictDoUpdate({
      target: driftWatch.id,
      set: { startedAt: new Date(nowMs), looks: sql`${driftWatch.looks} + 1` },
      // A clock that was put back must not stop the watch.
      setWhere: sql`${driftWatch.startedAt} <= ${new Date(nowMs - intervalMs).toISOString()}
        or ${driftWatch.startedAt} > ${new Date(nowMs + intervalMs).toISOString()}`,
    })
    .returning({ looks: driftWatch.looks });
  return claimed?.looks ?? null;
}

function rangesOf(looks: number, nowMs: number): InstantRange[] {
  const toMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const fromMs = toMs - NEWEST_MS;
  const olderMs = fromMs - (looks % OLDER_DAYS) * DAY_MS;
  return [
    { fromMs, toMs },
    { fromMs: olderMs - DAY_MS, toMs: olderMs },
  ];
}

/** What has no cause is noted first: that must not fail with what only makes answers faster. */
async function lookAt(stores: Stores, range: InstantRange, nowMs: number): Promise<void> {
  const read = await readParts(stores, range, nowMs);
  const first = read.flatMap(({ rows }) => rows.filter(isUnexplained));
  const seen = new Set(first.map(placeOf));
  const again = first.length === 0 ? [] : await readParts(stores, range, nowMs);
  const both = again.flatMap(({ rows }) =>
    rows.filter((row) => isUnexplained(row) && seen.has(placeOf(row))),
  );
  await noteUnexplained(stores, range, both, nowMs);
  for (const part of read) await keepDriftLines(stores, part);
}

const isUnexplained = ({ unexplained }: DriftRow) => unexplained !== 0;
const placeOf = ({ campaignId, hourMs }: DriftRow) => `${hourMs}/${campaignId}`;

/** In parts where it has more rows than one answer may have; an hour alone has to do. */
async function readParts(
  stores: Stores,
  range: InstantRange,
  nowMs: number,
): Promise<NumberedDrift[]> {
  try {
    return [await readDriftToKeep(stores, range, nowMs)];
  } catch (error) {
    const { fromMs, toMs } = range;
    if (!(error instanceof ReportQueryError) || toMs - fromMs <= HOUR_MS) throw error;
    const middleMs = Math.floor((fromMs + toMs) / 2 / HOUR_MS) * HOUR_MS;
    return [
      ...(await readParts(stores, { fromMs, toMs: middleMs }, nowMs)),
      ...(await readParts(stores, { fromMs: middleMs, toMs }, nowMs)),
    ];
  }
}

/** The rows of a range take the place of what was known of it; twice is as once. */
async function noteUnexplained(
  { db }: Stores,
  { fromMs, toMs }: InstantRange,
  rows: readonly DriftRow[],
  nowMs: number,
): Promise<void> {
  const seenAt = new Date(nowMs);
  const { eventHour } = driftUnexplained;
  await db.transaction(async (tx) => {
    for (let start = 0; start < rows.length; start += ROWS_PER_INSERT_MAX) {
      await tx
        .insert(driftUnexplained)
        .values(
          rows.slice(start, start + ROWS_PER_INSERT_MAX).map((row) => ({
            ...{ campaignId: row.campaignId, advertiserId: row.advertiserId },
            eventHour: new Date(row.hourMs),
            stream: BigInt(row.stream),
            truth: BigInt(row.truth),
            unexplained: BigInt(row.unexplained),
            ...{ firstSeenAt: seenAt, seenAt },
          })),
        )
        .onConflictDoUpdate({
          target: [driftUnexplained.campaignId, eventHour],
          set: {
            stream: sql`excluded.stream`,
            truth: sql`excluded.truth`,
            unexplained: sql`excluded.unexplained`,
            seenAt,
          },
        });
    }
    await tx
      .delete(driftUnexplained)
      .where(
        and(
          gte(eventHour, new Date(fromMs)),
          lt(eventHour, new Date(toMs)),
          lt(driftUnexplained.seenAt, seenAt),
        ),
      );
  });
}
