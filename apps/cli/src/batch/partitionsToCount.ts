import { listAdvertisers } from "@trueclick/db/queries/advertisers";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import type { TruthPartition } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import type { TenantScope } from "@trueclick/db/tenant";
import { type IsoDay, parseDay } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { CliError, UsageError } from "../terminal/errors.ts";
import { withoutEmptyDays } from "./withoutEmptyDays.ts";

export interface CountSelection {
  readonly day: string | undefined;
  readonly advertiserId: string | undefined;
}

/**
 * What a run counts: the day named, of the advertiser named or of all; without a day every day of
 * which the archive holds other events than were counted.
 *
 * @throws {UsageError} on an impossible day; {CliError} `not_found` on an unknown advertiser.
 */
export async function partitionsToCount(
  stores: Stores,
  { day, advertiserId }: CountSelection,
): Promise<TruthPartition[]> {
  const billingDay = day === undefined ? undefined : checkDay(day);
  const scope = scopeOf(advertiserId);
  const known = await listAdvertisers(stores, scope);
  if (known.length === 0 && advertiserId !== undefined) {
    throw new CliError("not_found", `No advertiser ${advertiserId}`);
  }
  if (billingDay === undefined) {
    return withoutEmptyDays(stores, await truthDirtyDays(stores, scope));
  }
  return known.map(({ id }) => ({ advertiserId: id, billingDay }));
}

function scopeOf(advertiserId: string | undefined): TenantScope {
  if (advertiserId === undefined) return { kind: "all" };
  const parsed = advertiserIdSchema.safeParse(advertiserId);
  if (!parsed.success) throw new UsageError("--advertiser must have 1 to 64 characters");
  return { kind: "advertisers", ids: [parsed.data] };
}

function checkDay(day: string): IsoDay {
  try {
    return parseDay(day);
  } catch (cause) {
    throw new UsageError(`--day must be a calendar day, YYYY-MM-DD: ${day}`, { cause });
  }
}
