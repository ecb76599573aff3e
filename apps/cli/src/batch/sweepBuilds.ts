import { type DeadBuild, deadBuilds, sweepDeadBuilds } from "@trueclick/db/queries/deadBuilds";
import { DAY_MS } from "@trueclick/shared/time";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { formatTable } from "../terminal/table.ts";

/** Sweeps of one call; each removes some hundred builds at most. */
const SWEEPS_MAX = 1_000;

/** Removes what builds left behind that no version will ever name, or only tells which they are. */
export async function sweepBuilds(
  context: CliContext,
  { isList }: { readonly isList: boolean },
): Promise<VerbResult> {
  return withStores(await resolveStack(context), async (stores) => {
    if (isList) return told(await deadBuilds(stores, DAY_MS));
    let swept = 0;
    for (let sweeps = 0; sweeps < SWEEPS_MAX; sweeps += 1) {
      const some = await sweepDeadBuilds(stores, DAY_MS);
      if (some === 0) break;
      swept += some;
    }
    return { text: `${swept} builds are swept.`, json: { swept } };
  });
}

function told(builds: readonly DeadBuild[]): VerbResult {
  const cells = builds.map(({ buildId, of, advertiserId, billingDay }) => {
    return [buildId.toString(), of, advertiserId, billingDay];
  });
  const json = builds.map(({ buildId, of, advertiserId, billingDay }) => {
    return { build: Number(buildId), of, advertiser_id: advertiserId, billing_day: billingDay };
  });
  const table = formatTable(["build", "of", "advertiser", "day"], cells);
  return { text: builds.length === 0 ? "Nothing is left behind." : table, json: { builds: json } };
}
