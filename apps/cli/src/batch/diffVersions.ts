import {
  type ComparedVersion,
  type VersionDiff,
  versionDiff,
} from "@trueclick/db/queries/versionDiff";
import type { IsoDay } from "@trueclick/shared/calendar";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";
import { formatTable } from "../terminal/table.ts";

export interface DiffRequest {
  readonly advertiser: string;
  readonly day: IsoDay;
  readonly before: number;
  readonly after: number;
}

/** Tells what moved between two versions of a day, and what the later one was judged by instead. */
export async function diffVersions(
  context: CliContext,
  { advertiser, day, before, after }: DiffRequest,
): Promise<VerbResult> {
  const advertiserId = advertiserIdSchema.parse(advertiser);
  const asked = { advertiserId, billingDay: day, before, after };
  const diff = await withStores(await resolveStack(context), (stores) =>
    versionDiff(stores, { kind: "all" }, asked),
  );
  if (diff === null) {
    throw new CliError(
      "no_version",
      `${advertiser} has no versions ${before} and ${after} of ${day}`,
    );
  }
  return { text: toText(diff), json: toJson(diff) };
}

function toText(diff: VersionDiff): string {
  const { before, after, currency, costMicros, moved, added, removed, changed } = diff;
  const rows = moved.map((one) => [
    one.campaign,
    one.eventType,
    one.verdict,
    String(one.events),
    one.costMicros.toString(),
  ]);
  const header = ["campaign", "type", "verdict", "events", "micros"];
  const causes = [
    ...Object.entries(added).flatMap(namesOf("new")),
    ...Object.entries(removed).flatMap(namesOf("gone")),
    ...changed.map((name) => `other ${name.replaceAll("_", " ")}`),
  ];
  return [
    `version ${after.version} against ${before.version}: ${after.cause}`,
    rows.length === 0 ? "No count differs." : formatTable(header, rows),
    `cost ${costMicros >= 0n ? "+" : ""}${costMicros} micros of ${currency}`,
    ...causes,
  ].join("\n");
}

const namesOf =
  (what: string) =>
  ([kind, names]: readonly [string, readonly (string | number)[]]): string[] =>
    names.length === 0 ? [] : [`${what} ${kind}: ${names.join(", ")}`];

function toJson({ before, after, costMicros, moved, ...diff }: VersionDiff) {
  return {
    ...diff,
    before: versionJson(before),
    after: versionJson(after),
    cost_micros: Number(costMicros),
    moved: moved.map(({ campaignName, eventType, costMicros: cost, ...one }) => {
      const named = { ...one, campaign_name: campaignName, event_type: eventType };
      return { ...named, cost_micros: Number(cost) };
    }),
  };
}

const versionJson = ({ version, jobId, cause, publishedAt, costMicros }: ComparedVersion) => ({
  version,
  job: jobId,
  cause,
  published_at: publishedAt.toISOString(),
  cost_micros: Number(costMicros),
});
