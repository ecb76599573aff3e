import type { Database } from "@trueclick/db/postgres/database";
import {
  truthLeftSlices,
  truthLineReturns,
  truthReturnClaims,
  truthReturns,
} from "@trueclick/db/postgres/schema/returns";
import { truthCurrent, truthLines, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { currentTruth } from "@trueclick/db/queries/truthPointers";
import { REPORT_DAYS_MAX } from "@trueclick/db/routing/reportQuery";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { and, asc, count, eq, inArray, isNotNull, sql } from "drizzle-orm";
import { DAYS_BACK_MAX, type VersionedDay } from "../domain/returns.ts";
import type { CountedReturns, ReturnsRegister } from "../ports/returns.ts";

/** A version is dated by the start of its transaction, and seen at its end. */
const PUBLISHING_SECONDS_MAX = 120;
/** Longer than a window takes; one that takes longer is counted twice, to the same end. */
const CLAIM_SECONDS = 120;
const LINES_PER_INSERT_MAX = 1_000;
/** Longer than a count, or a report that has taken their names, may last. */
const LEFT_SECONDS = 3_600;
/** Slices in one sweep. */
const LEFT_MAX = 200;
/** Billing days may have begun elsewhere that here have not. */
const AHEAD_MS = 2 * DAY_MS;

/** Keeps returns in `truth_returns` and `truth_line_returns`. */
export function createPostgresReturns(db: Database, nowMs: () => number): ReturnsRegister {
  const { advertiserId: claimant, claimedUntil } = truthReturnClaims;
  return {
    async publishedSince(since) {
      const [clock] = await db
        .select({ now: sql`now()`.mapWith(truthVersions.publishedAt) })
        .from(sql`(values (1)) as one (row)`);
      const published = sql`${truthVersions.publishedAt} > ${since?.toISOString() ?? null}::timestamptz
        - make_interval(secs => ${PUBLISHING_SECONDS_MAX})`;
      const found = await db
        .selectDistinct({ advertiserId: truthVersions.advertiserId })
        .from(truthVersions)
        .where(since === null ? undefined : published);
      return {
        advertiserIds: found.map(({ advertiserId }) => advertiserId),
        asOf: clock?.now ?? new Date(0),
      };
    },

    async claim(advertiserId) {
      const until = sql`now() + make_interval(secs => ${CLAIM_SECONDS})`;
      const claimed = await db
        .insert(truthReturnClaims)
        .values({ advertiserId, claimedUntil: until })
        .onConflictDoUpdate({
          target: claimant,
          set: { claimedUntil: until },
          setWhere: sql`${claimedUntil} < now()`,
        })
        .returning({ claimant });
      return claimed.length > 0;
    },

    async release(advertiserId) {
      await db.delete(truthReturnClaims).where(eq(claimant, advertiserId));
    },

    days: (advertiserId) => readDays(db, advertiserId, nowMs()),

    async lineUsers(advertiserId, { day, version }) {
      const { campaignId, uniqueUsers } = truthLines;
      const lines = await db
        .select({ campaignId, uniqueUsers })
        .from(truthLines)
        .where(
          and(
            eq(truthLines.advertiserId, advertiserId),
            eq(truthLines.billingDay, day),
            eq(truthLines.version, version),
          ),
        );
      return new Map(lines.map((line) => [line.campaignId, Number(line.uniqueUsers)]));
    },

    async beginSlices(advertiserId, days) {
      if (days.length === 0) return new Map();
      const begun = await db
        .insert(truthLeftSlices)
        .values(days.map((billingDay) => ({ advertiserId, billingDay })))
        .returning({ id: truthLeftSlices.id, day: truthLeftSlices.billingDay });
      return new Map(begun.map(({ day, id }) => [day, id]));
    },

    replace: (advertiserId, counted) =>
      db.transaction((tx) => replaceDay(tx, advertiserId, counted)),

    async leftSlices() {
      const { id, advertiserId, billingDay: day, leftAt } = truthLeftSlices;
      return db
        .select({ slicesId: id, advertiserId, day })
        .from(truthLeftSlices)
        .where(sql`${leftAt} < now() - make_interval(secs => ${LEFT_SECONDS})`)
        .orderBy(asc(leftAt))
        .limit(LEFT_MAX);
    },

    async forgetSlices(left) {
      const ids = left.map(({ slicesId }) => slicesId);
      await db.delete(truthLeftSlices).where(inArray(truthLeftSlices.id, ids));
    },
  };
}

async function readDays(
  db: Database,
  advertiserId: AdvertiserId,
  nowMs: number,
): Promise<VersionedDay[]> {
  const scope = { kind: "advertisers", ids: [advertiserId] } as const;
  const fromMs = nowMs - (REPORT_DAYS_MAX + DAYS_BACK_MAX) * DAY_MS;
  const pins = await currentTruth({ db }, scope, { fromMs, toMs: nowMs + AHEAD_MS });
  const { billingDay, version, compared, daySlicesId } = truthReturns;
  const kept = await db
    .select({ billingDay, version, compared })
    .from(truthReturns)
    .where(and(eq(truthReturns.advertiserId, advertiserId), isNotNull(daySlicesId)));
  const keptByDay = new Map(kept.map((day) => [day.billingDay, day]));
  const lines = await db
    .select({ billingDay: truthCurrent.billingDay, lines: count() })
    .from(truthCurrent)
    .innerJoin(
      truthLines,
      and(
        eq(truthLines.advertiserId, truthCurrent.advertiserId),
        eq(truthLines.billingDay, truthCurrent.billingDay),
        eq(truthLines.version, truthCurrent.version),
      ),
    )
    .where(eq(truthCurrent.advertiserId, advertiserId))
    .groupBy(truthCurrent.billingDay);
  const linesByDay = new Map(lines.map((day) => [day.billingDay, day.lines]));
  return pins.map((pin) => ({
    day: pin.billingDay,
    version: pin.version,
    buildId: pin.buildId,
    takenOver: pin.takenOver,
    clicks: pin.validClicks,
    lines: linesByDay.get(pin.billingDay) ?? 0,
    kept: keptByDay.get(pin.billingDay) ?? null,
  }));
}

/** The day first: of two who write one, the second waits for the first to be done. */
async function replaceDay(
  tx: Pick<Database, "select" | "insert" | "update" | "delete">,
  advertiserId: AdvertiserId,
  counted: CountedReturns & { readonly slicesId: number },
): Promise<void> {
  const { day, version, compared, uniqueUsers, returned, lines, slicesId } = counted;
  const own = await tx
    .delete(truthLeftSlices)
    .where(eq(truthLeftSlices.id, slicesId))
    .returning({ id: truthLeftSlices.id });
  if (own.length === 0) {
    throw new RangeError(`slices ${slicesId} were removed before they were named`);
  }
  const key = { advertiserId, billingDay: day };
  const row = {
    version,
    compared: [...compared],
    uniqueUsers: BigInt(uniqueUsers),
    returned: returned.map(BigInt),
    daySlicesId: slicesId,
    madeAt: sql`clock_timestamp()`,
  };
  const first = await tx
    .insert(truthReturns)
    .values({ ...key, ...row })
    .onConflictDoNothing()
    .returning({ day: truthReturns.billingDay });
  if (first.length === 0) await replaceRow(tx, key, row);
  const rows = lines.map((line) => ({
    ...key,
    campaignId: line.campaignId,
    returned: line.returned.map(BigInt),
  }));
  for (let start = 0; start < rows.length; start += LINES_PER_INSERT_MAX) {
    await tx.insert(truthLineReturns).values(rows.slice(start, start + LINES_PER_INSERT_MAX));
  }
}

/** What was there is replaced: its slices are left, and its lines are no more. */
async function replaceRow(
  tx: Pick<Database, "select" | "insert" | "update" | "delete">,
  key: { readonly advertiserId: AdvertiserId; readonly billingDay: string },
  row: { readonly daySlicesId: number },
): Promise<void> {
  const { advertiserId, billingDay } = key;
  const ofDay = and(
    eq(truthReturns.advertiserId, advertiserId),
    eq(truthReturns.billingDay, billingDay),
  );
  const [before] = await tx
    .select({ id: truthReturns.daySlicesId })
    .from(truthReturns)
    .where(ofDay)
    .for("update");
  const id = before?.id ?? null;
  if (id !== null) await tx.insert(truthLeftSlices).values({ ...key, id });
  await tx.update(truthReturns).set(row).where(ofDay);
  await tx
    .delete(truthLineReturns)
    .where(
      and(
        eq(truthLineReturns.advertiserId, advertiserId),
        eq(truthLineReturns.billingDay, billingDay),
      ),
    );
}
