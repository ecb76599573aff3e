import { type Credit, type Trace, type TracedCopy, traceEvent } from "@trueclick/db/queries/trace";
import { formatMicros } from "@trueclick/shared/money";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";

/** @throws {CliError} `not_found` for an id that nobody has seen. */
export async function trace(context: CliContext, eventId: string): Promise<VerbResult> {
  return withStores(await resolveStack(context), async (stores) => {
    const found = await traceEvent(stores, { kind: "all" }, eventId);
    if (found !== null) return { text: toText(found), json: toJson(found) };
    throw new CliError(
      "not_found",
      `No event ${eventId} is archived or was refused by the stream. Events are archived within a\n` +
        "minute, or at once by `trueclick batch run`.",
    );
  });
}

function toText({ eventId, copies, cut }: Trace): string {
  const told = `${copies.length} ${copies.length === 1 ? "copy" : "copies"}`;
  return [
    `${eventId}: ${told}${cut ? ", and more that are not shown" : ""}`,
    ...copies.flatMap((copy) => ["", ...copyLines(copy)]),
  ].join("\n");
}

function copyLines(copy: TracedCopy): string[] {
  const name = copy.campaignName === null ? "not known here" : `"${copy.campaignName}"`;
  const { object, billed } = copy;
  const verdicts = copy.batchVerdicts.flatMap(
    ({ billingDay, version, current, verdict, jobId, credit }) => [
      `  truth     ${verdict}, ${billingDay} version ${version}${current ? "" : " (replaced)"}, job ${jobId}`,
      ...(credit === null ? [] : [`            ${creditText(credit)}`]),
    ],
  );
  return [
    `  log       ${copy.coordinates}`,
    `  event     ${copy.eventType} at ${new Date(copy.eventTimeMs).toISOString()}`,
    `  campaign  ${copy.campaignId}, ${name}`,
    object === null
      ? "  archive   not yet"
      : `  archive   ${object.path} row ${object.row}\n            sha256 ${object.sha256}`,
    `  stream    ${copy.streamVerdict}`,
    ...(verdicts.length === 0 ? ["  truth     not counted yet"] : verdicts),
    billed === null
      ? "  billed    no"
      : `  billed    in ${billed.billingDay} version ${billed.version}, a line of ` +
        `${formatMicros(billed.costMicros, billed.currency)}`,
  ];
}

function creditText({ clickEventId, notCredited, windowDays }: Credit): string {
  const days = windowDays === 1 ? "1 day" : `${windowDays} days`;
  return clickEventId === null
    ? `credited to no click within ${days}: ${notCredited}`
    : `credited to ${clickEventId}, within ${days}`;
}

function toJson({ eventId, copies, cut }: Trace) {
  return {
    event_id: eventId,
    cut,
    copies: copies.map((copy) => ({
      coordinates: copy.coordinates,
      event_type: copy.eventType,
      event_time: new Date(copy.eventTimeMs).toISOString(),
      campaign_id: copy.campaignId,
      campaign_name: copy.campaignName,
      advertiser_id: copy.advertiserId,
      object: copy.object,
      stream_verdict: copy.streamVerdict,
      batch_verdicts: copy.batchVerdicts.map((verdict) => ({
        billing_day: verdict.billingDay,
        version: verdict.version,
        current: verdict.current,
        job_id: verdict.jobId,
        published_at: verdict.publishedAt.toISOString(),
        verdict: verdict.verdict,
        credit: verdict.credit && {
          click_event_id: verdict.credit.clickEventId,
          not_credited: verdict.credit.notCredited,
          window_days: verdict.credit.windowDays,
          value_micros: verdict.credit.valueMicros,
        },
      })),
      billed: copy.billed && {
        advertiser_id: copy.billed.advertiserId,
        billing_day: copy.billed.billingDay,
        version: copy.billed.version,
        campaign_id: copy.billed.campaignId,
        cost_micros: copy.billed.costMicros,
        currency: copy.billed.currency,
      },
    })),
  };
}
