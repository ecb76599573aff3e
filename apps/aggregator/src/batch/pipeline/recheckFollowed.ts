import { hash } from "node:crypto";
import { type Canonical, canonicalJson } from "../domain/canonicalJson.ts";
import { type FollowedHour, followedHours } from "../domain/followed.ts";
import type { PinnedInputs, PinnedObject } from "../domain/inputs.ts";
import type { JudgedSlice } from "../domain/sliceReuse.ts";
import type { KnownSlices } from "../ports/sliceRecords.ts";
import type { TruthEngine } from "../ports/truthEngine.ts";
import type { CheckObjects } from "./objectChecks.ts";

/** Of everything that rows are a function of, in hex. */
export const inputsHashOf = (value: Canonical) => hash("sha256", canonicalJson(value));

export interface RecheckOptions {
  readonly engine: Pick<TruthEngine, "isFollowed">;
  readonly check: CheckObjects;
}

/** What earlier counts hold, as it was found by reading some objects. */
export interface Rechecked {
  readonly known: readonly JudgedSlice[];
  /** Those objects: nothing of `known` is to be noted before they are found whole. */
  readonly read: readonly PinnedObject[];
}

/**
 * What earlier counts judged, with the hash that it has now where only what follows an hour has changed
 * and none of it changes a row of the hour.
 *
 * @throws {JobRefusedError} An object that is asked is damaged, and the engine could not read it.
 */
export async function recheckFollowed(
  { engine, check }: RecheckOptions,
  inputs: PinnedInputs,
  { slices, seen }: KnownSlices,
  signal: AbortSignal,
): Promise<Rechecked> {
  const unchanged: FollowedHour[] = [];
  const read: PinnedObject[] = [];
  for (const hour of followedHours(inputs, slices, seen, inputsHashOf)) {
    read.push(...hour.slice.objects, ...hour.slice.following);
    try {
      if (!(await engine.isFollowed(inputs, hour))) unchanged.push(hour);
    } catch (error) {
      // What stops the run is the damaged object, whatever it did to the engine.
      await check(read, signal);
      throw error;
    }
  }
  return { known: rehashed(slices, unchanged), read };
}

/** The same slices, those of some hours with the hash that these have now. */
export function rehashed(
  slices: readonly JudgedSlice[],
  hours: readonly FollowedHour[],
): JudgedSlice[] {
  const hashes = new Map(hours.map(({ known, inputsHash }) => [known, inputsHash]));
  return slices.map((slice) => ({ ...slice, inputsHash: hashes.get(slice) ?? slice.inputsHash }));
}
