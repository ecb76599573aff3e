import { HOUR_MS } from "@trueclick/shared/time";
import type { Canonical } from "./canonicalJson.ts";
import type { ObjectIdentity, PinnedInputs, PinnedObject } from "./inputs.ts";
import { hourInputs, type JudgedSlice } from "./sliceReuse.ts";
import { planSlices, type Slice } from "./slices.ts";

/** An hour that was judged by what is there now, but for objects of the hour after it that came since. */
export interface FollowedHour {
  readonly known: JudgedSlice;
  /** The hour by itself. */
  readonly slice: Slice;
  /** Of all that it would be judged by now. */
  readonly inputsHash: string;
  /** Of `slice.following`: those that its count had seen, and those that came since. */
  readonly kept: readonly PinnedObject[];
  readonly added: readonly PinnedObject[];
}

/**
 * The hours of a last count of which nothing but what follows them has changed, so that it can be asked
 * whether what came changes any of their rows. Where that cannot be told from what follows alone,
 * since impressions may lie there as well, there are none.
 *
 * @param seen The objects that the last count had pinned.
 */
export function followedHours(
  inputs: PinnedInputs,
  known: readonly JudgedSlice[],
  seen: readonly (ObjectIdentity & { readonly eventHourMs: number })[],
  hashOf: (value: Canonical) => string,
): FollowedHour[] {
  if (inputs.precedingHours > 0) return [];
  const hashBySeen = new Map(seen.map(({ path, sha256 }) => [path, sha256]));
  const wasSeen = ({ path, sha256 }: ObjectIdentity) => hashBySeen.get(path) === sha256;
  const byHour = Map.groupBy(inputs.objects, ({ eventHourMs }) => eventHourMs);
  return known.flatMap((one) => {
    const own = one.hoursMs.flatMap((hourMs) => byHour.get(hourMs) ?? []);
    const [slice] = planSlices(inputs, Number.POSITIVE_INFINITY, own);
    const [hour] = hourInputs(inputs, { objects: own });
    if (one.aloneHash === null || one.hoursMs.length !== 1) return [];
    if (slice === undefined || hour === undefined) return [];
    const inputsHash = hashOf(hour.hashed);
    if (inputsHash === one.inputsHash || hashOf(hour.alone) !== one.aloneHash) return [];

    // A compacted object stands for those that it was made of; one with anything new in it is new.
    const isKept = (object: PinnedObject) =>
      wasSeen(object) ||
      ((object.sources ?? []).some(wasSeen) && (object.sources ?? []).every(wasSeen));
    const kept = slice.following.filter(isKept);
    const before = seen.filter(({ eventHourMs }) => eventHourMs === slice.lastHourMs + HOUR_MS);
    if (rowsOf(kept) !== rowsOf(before)) return [];
    const added = slice.following.filter((object) => !isKept(object));
    if (added.length === 0) return [];
    return [{ known: one, slice, inputsHash, kept, added }];
  });
}

function rowsOf(objects: readonly { readonly rows: number }[]): number {
  return objects.reduce((sum, { rows }) => sum + rows, 0);
}
