import { hash } from "node:crypto";
import { type Canonical, canonicalJson } from "../domain/canonicalJson.ts";
import { followedHours } from "../domain/followed.ts";
import type { PinnedInputs, PinnedObject } from "../domain/inputs.ts";
import type { JudgedSlice } from "../domain/sliceReuse.ts";
import type { KnownSlices } from "../ports/sliceRecords.ts";
import type { TruthEngine } from "../ports/truthEngine.ts";

/** Of everything that rows are a function of, in hex. */
export const inputsHashOf = (value: Canonical) => hash("sha256", canonicalJson(value));

export interface RecheckOptions {
  readonly engine: Pick<TruthEngine, "isFollowed">;
  /** Throws for an object that is missing or damaged. */
  readonly check: (objects: readonly PinnedObject[], signal: AbortSignal) => Promise<void>;
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
  const rehashed = new Map<JudgedSlice, JudgedSlice>();
  for (const hour of followedHours(inputs, slices, seen, inputsHashOf)) {
    await check([...hour.slice.objects, ...hour.slice.following], signal);
    if (await engine.isFollowed(inputs, hour)) continue;
    rehashed.set(hour.known, { ...hour.known, inputsHash: hour.inputsHash });
  }
  return slices.map((slice) => rehashed.get(slice) ?? slice);
}
