/** Single clicks whose way from the acknowledgement to the report is timed. */
import { DAY_MS, MINUTE_MS } from "@trueclick/shared/time";
import { z } from "zod";

export interface ProbeOptions {
  readonly url: string;
  readonly authorization: string;
  readonly reportUrl: string;
  readonly reportAuthorization: string;
  readonly campaign: string;
  readonly name: string;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface ProbeReport {
  /** From sending a click to its acknowledgement, milliseconds, ascending. */
  readonly ackedMs: readonly number[];
  /** From its acknowledgement to the first report that shows it, milliseconds, ascending. */
  readonly visibleMs: readonly number[];
  /** Clicks that no report showed within `GIVE_UP_MS` of the last. */
  readonly missing: number;
}

/** A report is asked for so often: what is measured may be that much too long, never too short. */
const POLL_MS = 50;
const reportSchema = z.object({ rows: z.array(z.object({ ad: z.string(), clicks: z.number() })) });
const GIVE_UP_MS = 20_000;

/** Sends a click every so often, each of an ad of its own, and watches the report for it. */
export async function runProbes(options: ProbeOptions): Promise<ProbeReport> {
  const { perSecond, seconds } = options;
  const count = perSecond * seconds;
  const acks = new Map<string, number>();
  const ackedMs: number[] = [];
  const visibleMs: number[] = [];
  let sending = true;

  const sendAll = async () => {
    const startedMs = performance.now();
    const posts: Promise<void>[] = [];
    for (let at = 0; at < count; at += 1) {
      const waitMs = startedMs + (at * 1_000) / perSecond - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      posts.push(sendProbe(options, `${options.name}-${at}`, acks, ackedMs));
    }
    await Promise.all(posts);
    sending = false;
  };
  const watch = async () => {
    const seen = new Set<string>();
    let untilMs = Number.POSITIVE_INFINITY;
    while (performance.now() < untilMs && (sending || seen.size < acks.size)) {
      if (!sending) untilMs = Math.min(untilMs, performance.now() + GIVE_UP_MS);
      const shown = await adsShown(options);
      const shownMs = performance.now();
      for (const [ad, ackMs] of acks) {
        if (seen.has(ad) || !shown.has(ad)) continue;
        seen.add(ad);
        visibleMs.push(Math.max(0, shownMs - ackMs));
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  await Promise.all([sendAll(), watch()]);
  const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);
  const missing = acks.size - visibleMs.length;
  return { ackedMs: ascending(ackedMs), visibleMs: ascending(visibleMs), missing };
}

async function sendProbe(
  { url, authorization, campaign }: ProbeOptions,
  ad: string,
  acks: Map<string, number>,
  ackedMs: number[],
): Promise<void> {
  const sentMs = performance.now();
  const event = {
    ...{ schema_version: 1, event_type: "click", event_id: `probe-${ad}`, campaign_id: campaign },
    ...{ event_time: Date.now(), ad_id: ad, publisher_id: "pub-probe", user_id: `user-${ad}` },
    ...{ geo: "DE", device: "mobile", user_agent: "Mozilla/5.0 Chrome/126.0 Safari/537.36" },
  };
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) });
  await answer.arrayBuffer();
  if (answer.status >= 300) return;
  acks.set(ad, performance.now());
  ackedMs.push(performance.now() - sentMs);
}

async function adsShown(options: ProbeOptions): Promise<ReadonlySet<string>> {
  const nowMs = Date.now();
  const asked = new URLSearchParams({
    ...{ mode: "dashboard", granularity: "total", dimensions: "ad" },
    ...{ campaign_id: options.campaign, from: new Date(nowMs - DAY_MS).toISOString() },
    to: new Date(nowMs + MINUTE_MS).toISOString(),
  });
  const headers = { authorization: options.reportAuthorization };
  const answer = await fetch(`${options.reportUrl}?${asked}`, { headers });
  if (answer.status !== 200) throw new Error(`The report answered ${answer.status}`);
  const { rows } = reportSchema.parse(await answer.json());
  return new Set(rows.filter(({ clicks }) => clicks > 0).map(({ ad }) => ad));
}
