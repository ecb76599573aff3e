/** The public REST API and the edge, as a script of a user's would call them. */
import { z } from "zod";
import { type DemoFile, pause } from "./stack.ts";

const reportRow = z.object({
  campaign: z.string().optional(),
  clicks: z.number(),
  gross_clicks: z.number(),
  net_clicks: z.number().nullable(),
  invalid_clicks: z.number(),
  duplicate_clicks: z.number(),
  cost_micros: z.number(),
  currency: z.string(),
});
export type ReportRow = z.infer<typeof reportRow>;

const reportAnswer = z.object({
  rows: z.array(reportRow),
  meta: z.object({ mode: z.string(), store: z.string(), finality: z.string() }),
});

export interface ReportParams {
  readonly mode: "dashboard" | "billing";
  readonly fromMs: number;
  readonly toMs: number;
  readonly advertiserId?: string;
  readonly campaignId?: string;
}

/** The rows of a report by campaign, over the whole range. */
export async function reportByCampaign(demo: DemoFile, params: ReportParams): Promise<ReportRow[]> {
  const query = new URLSearchParams({
    mode: params.mode,
    from: new Date(params.fromMs).toISOString(),
    to: new Date(params.toMs).toISOString(),
    granularity: "total",
    dimensions: "campaign",
  });
  if (params.advertiserId !== undefined) query.set("advertiser_id", params.advertiserId);
  if (params.campaignId !== undefined) query.set("campaign_id", params.campaignId);
  const answer = await fetch(`${demo.webUrl}/api/v1/report?${query}`, {
    headers: { authorization: `Bearer ${demo.apiKeys.engineer}` },
  });
  if (!answer.ok) throw new Error(`report answered ${answer.status}: ${await answer.text()}`);
  return reportAnswer.parse(await answer.json()).rows;
}

/** Sends one event with the demo key, as the README's curl does. */
export function sendEvent(
  demo: DemoFile,
  event: Readonly<Record<string, unknown>>,
): Promise<Response> {
  return fetch(`${demo.ingestUrl}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${demo.ingestKey}`, "content-type": "application/json" },
    body: JSON.stringify(event),
  });
}

/**
 * Asks until the answer is the expected one or time is up, and returns the last answer, for the
 * assertion to judge.
 */
export async function eventually<T>(
  ask: () => Promise<T>,
  isExpected: (answer: T) => boolean,
  withinMs: number,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isExpected(answer) || Date.now() >= deadline) return answer;
    await pause(250);
  }
}
