import { listAdvertisers } from "@trueclick/db/queries/advertisers";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { REQUEST_PARTITIONS_MAX, type TruthPartition } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import type { TenantScope } from "@trueclick/db/tenant";
import { dayOf, daysBetween, type IsoDay, parseDay } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { CliError, UsageError } from "../terminal/errors.ts";

export interface CountSelection {
  readonly day: string | undefined;
  readonly advertiserId: string | undefined;
}

/**
 * What a run counts: the day named, of the advertiser named or of all; without a day every day of
 * which events, campaigns or rates are others than were counted, or, while it is open, rules.
 *
 * @throws {UsageError} on an impossible day; {CliError} `not_found` on an unknown advertiser.
 */
export async function partitionsToCount(
  stores: Stores,
  { day, advertiserId }: CountSelection,
): Promise<TruthPartition[]> {
  const billingDay = day === undefined ? undefined : checkDay(day, "day");
  const known = await knownAdvertisers(stores, advertiserId);
  if (billingDay === undefined) return truthDirtyDays(stores, scopeOf(advertiserId));
  return known.map(({ id }) => ({ advertiserId: id, billingDay }));
}

function scopeOf(advertiserId: string | undefined): TenantScope {
  if (advertiserId === undefined) return { kind: "all" };
  const parsed = advertiserIdSchema.safeParse(advertiserId);
  if (!parsed.success) throw new UsageError("--advertiser must have 1 to 64 characters");
  return { kind: "advertisers", ids: [parsed.data] };
}

/**
 * What a recount of days counts again: those of the days from `fromDay` to `toDay`, both included,
 * that have begun, of the advertiser named or of all; counted before or not.
 *
 * @throws {UsageError} on impossible days; {CliError} `not_found` on an unknown advertiser.
 */
export async function partitionsBetween(
  stores: Stores,
  range: { readonly fromDay: string; readonly toDay: string },
  advertiserId: string | undefined,
  nowMs: number = Date.now(),
): Promise<TruthPartition[]> {
  const [first, last] = [checkDay(range.fromDay, "from"), checkDay(range.toDay, "to")];
  if (first > last) throw new UsageError("--to must not be before --from");
  const known = await knownAdvertisers(stores, advertiserId);
  const partitions = daysBetween(first, last).flatMap((billingDay) =>
    known
      .filter(({ timeZone }) => billingDay <= dayOf(nowMs, timeZone))
      .map(({ id }) => ({ advertiserId: id, billingDay })),
  );
  if (partitions.length > REQUEST_PARTITIONS_MAX) {
    throw new UsageError(
      `${partitions.length} days of advertisers are more than the ${REQUEST_PARTITIONS_MAX} of one request`,
    );
  }
  return partitions;
}

async function knownAdvertisers(stores: Stores, advertiserId: string | undefined) {
  const known = await listAdvertisers(stores, scopeOf(advertiserId));
  if (known.length === 0 && advertiserId !== undefined) {
    throw new CliError("not_found", `No advertiser ${advertiserId}`);
  }
  return known;
}

function checkDay(day: string, option: string): IsoDay {
  try {
    return parseDay(day);
  } catch (cause) {
    throw new UsageError(`--${option} must be a calendar day, YYYY-MM-DD: ${day}`, { cause });
  }
}
