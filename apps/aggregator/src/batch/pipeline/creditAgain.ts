import type { PinnedAttribution } from "../domain/attribution.ts";
import type { AttributionSummary } from "../domain/credits.ts";
import type { BuildSummary } from "../domain/truth.ts";
import type { Build } from "../ports/truthEngine.ts";
import { type AttributeDayOptions, attributeDay } from "./attributeDay.ts";

export type CreditStores = Omit<AttributeDayOptions, "onProgress">;

/**
 * Credits the conversions of a day that was judged for a trial by what they were credited by once: the windows of
 * then, and the clicks of those versions of earlier days that judged what was pinned, whichever is current now.
 * Clicks of earlier days are found where jobs find them, and are looked up there if they are not.
 *
 * @throws what `attributeDay` throws.
 */
export async function creditAgain(
  stores: CreditStores,
  build: Build,
  { windows, lookback }: PinnedAttribution,
  judged: BuildSummary,
  signal: AbortSignal,
): Promise<AttributionSummary | null> {
  const { attribution } = stores;
  const recorded = {
    ...attribution,
    read: async () => ({
      pinned: { windows, lookback },
      unindexed: await attribution.unindexed(build.inputs.advertiserId, lookback),
    }),
    // No job credits by it.
    pin: async () => {},
  };
  const options = { ...stores, attribution: recorded, onProgress: async () => {} };
  return (await attributeDay(options, build, judged, signal))?.summary ?? null;
}
