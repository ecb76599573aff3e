import { hash } from "node:crypto";
import { type Canonical, canonicalJson } from "../domain/canonicalJson.ts";
import { type FollowedHour, followedHours } from "../domain/followed.ts";
import type { PinnedInputs } from "../domain/inputs.ts";
import type { JudgedSlice } from "../domain/sliceReuse.ts";
import type { KnownSlices } from "../ports/sliceRecords.ts";
import type { TruthEngine } from "../ports/truthEngine.ts";
import { type CheckObjects, whileChecked } from "./objectChecks.ts";

/** Of everything that rows are a function of, in hex. */
export const inputsHashOf = (value: Canonical) => hash("sha256", canonicalJson(value));

export interface RecheckOptions {
  readonly engine: Pick<TruthEngine, "isFollowed">;
  readonly check: CheckObjects;
}

/**
 * What earlier counts judged, with the hash that it has now where only what follows an hour has changed
 * and none of it changes a row of the hour.
 *
 * @throws {JobRefusedError} An object that is asked is damaged.
 */
export async function recheckFollowed(
  { engine, check }: RecheckOptions,
  inputs: PinnedInputs,
  { slices, seen }: KnownSlices,
  signal: AbortSignal,
): Promise<JudgedSlice[]> {
  const unchanged: FollowedHour[] = [];
  for (const hour of followedHours(inputs, slices, seen, inputsHashOf)) {
    const checked = check([...hour.slice.objects, ...hour.slice.following], signal);
    const isFollowed = await whileChecked(checked, () => engine.isFollowed(inputs, hour));
    if (!isFollowed) unchanged.push(hour);
  }
  return rehashed(slices, unchanged);
}

/** The same slices, those of some hours with the hash that these have now. */
export function rehashed(
  slices: readonly JudgedSlice[],
  hours: readonly FollowedHour[],
): JudgedSlice[] {
  const hashes = new Map(hours.map(({ known, inputsHash }) => [known, inputsHash]));
  return slices.map((slice) => ({ ...slice, inputsHash: hashes.get(slice) ?? slice.inputsHash }));
}
