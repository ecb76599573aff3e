import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";
import {
  planReturns,
  type ReturnsWindow,
  toReturns,
  type VersionedDay,
} from "../domain/returns.ts";
import type { CountedReturns, DayGaps, ReturnsEngine, ReturnsRegister } from "../ports/returns.ts";
import { againAndAgain } from "./againAndAgain.ts";

export interface ReturnsStores {
  readonly register: ReturnsRegister;
  readonly engine: ReturnsEngine;
}

export interface ReturnsRole extends ReturnsStores {
  /** Between two looks at what was published, milliseconds. */
  readonly intervalMs: number;
  readonly logger: RoleLogger;
}

/** After so many looks all are looked at, whoever published, and slices are swept: what others left undone. */
const LOOKS_TO_ALL = 100;

/** Counts the returns of what is published until aborted. Stores that are away are waited for. Never throws. */
export async function runReturns(role: ReturnsRole, signal: AbortSignal): Promise<void> {
  const { register, logger, intervalMs } = role;
  let since: Date | null = null;
  let waiting: ReadonlySet<AdvertiserId> = new Set();
  let look = 0;
  const act = async () => {
    look += 1;
    const published = await register.publishedSince(look % LOOKS_TO_ALL === 0 ? null : since);
    waiting = new Set([...waiting, ...published.advertiserIds]);
    since = published.asOf;
    waiting = await countReturns(role, waiting, signal);
    if (look % LOOKS_TO_ALL === 1) await sweepSlices(role);
  };
  const couldNot = "could not count returning users";
  await againAndAgain({ act, intervalMs, logger, couldNot }, signal);
}

/** Removes slices that were replaced, or written by a process that died. Idempotent. */
export async function sweepSlices({ register, engine }: ReturnsStores): Promise<void> {
  const left = await register.leftSlices();
  if (left.length === 0) return;
  await engine.removeSlices(left);
  await register.forgetSlices(left);
}

/** Answers with those advertisers whom somebody else is at. */
async function countReturns(
  role: ReturnsRole,
  advertiserIds: ReadonlySet<AdvertiserId>,
  signal: AbortSignal,
): Promise<Set<AdvertiserId>> {
  const { register, logger } = role;
  const left = new Set<AdvertiserId>();
  for (const advertiserId of advertiserIds) {
    if (signal.aborted) break;
    if (!(await register.claim(advertiserId))) {
      left.add(advertiserId);
      continue;
    }
    try {
      const days = await countReturnsOf(role, advertiserId, signal);
      if (days > 0) logger.info({ advertiserId, days }, "counted returning users");
    } catch (error) {
      // Users that are not the billed lines', or slices that were swept meanwhile: others go on; this
      // one is looked at again with its next version, or with everybody.
      if (!(error instanceof RangeError)) throw error;
      logger.error(
        { err: error, advertiserId },
        "could not count returning users of an advertiser",
      );
    } finally {
      await register.release(advertiserId);
    }
  }
  return left;
}

/**
 * Counts the returns of all days of an advertiser that have none, or such as were counted beside other
 * versions. Each window is planned anew, so that what is published meanwhile is seen.
 *
 * Slices are noted, then written, then named by their day in the transaction that replaces it: no reader
 * takes rows that are not all there, and what a crash leaves of them is swept.
 *
 * Readers take a day only beside the very versions that it was compared with, so a crash between any two
 * days leaves what is right, or what is not used; and whoever comes next finds the rest stale.
 *
 * @returns How many days were counted.
 * @throws {RangeError} if users do not add up to what was published.
 */
export async function countReturnsOf(
  { register, engine }: ReturnsStores,
  advertiserId: AdvertiserId,
  signal: AbortSignal,
): Promise<number> {
  const done = new Set<string>();
  while (!signal.aborted) {
    const days = await register.days(advertiserId);
    const window = planReturns(days).find(({ stale }) =>
      stale.some((day) => !done.has(keyOf(day))),
    );
    if (window === undefined) break;
    const held = daysOf(days, window);
    const gaps = await engine.count(advertiserId, window, held);
    const counted = toCounted(window, gaps);
    for (const day of counted) await assertPublished(register, advertiserId, day, gaps);
    const stale = window.stale.map(({ day }) => day);
    const slicesIds = await register.beginSlices(advertiserId, stale);
    await engine.writeSlices(advertiserId, window, held, slicesIds);
    for (const day of counted) {
      const slicesId = slicesIds.get(day.day) ?? 0;
      await register.replace(advertiserId, { ...day, slicesId });
      done.add(keyOf(day));
    }
  }
  return done.size;
}

/** A day is counted once a call beside the same versions, whatever becomes of it. */
const keyOf = ({ day, version, compared }: Pick<CountedReturns, "day" | "version" | "compared">) =>
  `${day} ${version} ${compared.join()}`;

function daysOf(days: readonly VersionedDay[], { firstDay, stale }: ReturnsWindow) {
  const lastDay = lastOf(stale.map(({ day }) => day));
  return days.filter(({ day }) => day >= firstDay && day <= lastDay);
}

const lastOf = (days: readonly IsoDay[]) => days.toSorted().at(-1) ?? "";

function toCounted({ stale }: ReturnsWindow, gaps: readonly DayGaps[]): CountedReturns[] {
  const byDay = Map.groupBy(gaps, ({ day }) => day);
  return stale.map(({ day, version, compared }) => {
    const found = byDay.get(day) ?? [];
    const all = found.find(({ campaignId }) => campaignId === null)?.gaps ?? [];
    const lines = found.flatMap(({ campaignId, gaps: own }) => {
      const { returned } = toReturns(own, compared.length);
      return campaignId === null || (returned.at(-1) ?? 0) === 0 ? [] : [{ campaignId, returned }];
    });
    return { day, version, compared, ...toReturns(all, compared.length), lines };
  });
}

/** Every campaign's users of a day are those of its billed line. */
async function assertPublished(
  register: ReturnsRegister,
  advertiserId: AdvertiserId,
  counted: CountedReturns,
  gaps: readonly DayGaps[],
): Promise<void> {
  const published = await register.lineUsers(advertiserId, counted);
  const found = new Map<string, number>(
    gaps.flatMap(({ day, campaignId, gaps: own }) =>
      day === counted.day && campaignId !== null
        ? [[campaignId, toReturns(own, 0).uniqueUsers] as const]
        : [],
    ),
  );
  for (const [campaignId, users] of published) {
    if ((found.get(campaignId) ?? 0) === users) continue;
    throw new RangeError(
      `${advertiserId} ${counted.day}: ${found.get(campaignId) ?? 0} users of ${campaignId}, published ${users}`,
    );
  }
}
