/**
 * P7: the shape of the Yahoo streaming benchmark. JSON in, views only, each ad joined to its
 * campaign, counted by campaign in windows of ten seconds. One core, no dedupe.
 */

import type { EventSpans } from "../../apps/aggregator/src/stream/domain/eventSpans.ts";
import { HashedText } from "../../apps/aggregator/src/stream/domain/hashedText.ts";
import { Interner } from "../../apps/aggregator/src/stream/domain/interner.ts";
import { LineScanner } from "../../apps/aggregator/src/stream/domain/lineScanner.ts";
import { SpanHash } from "../../apps/aggregator/src/stream/domain/spanHash.ts";
import { fieldAt } from "../../apps/aggregator/src/stream/domain/storedFields.ts";
import type { Contestant } from "../harness/rounds.ts";
import { cpuSeconds } from "./cpuTime.ts";
import type { Traffic } from "./traffic.ts";

const WINDOW_MS = 10_000;
const AD_ID = fieldAt("ad_id");
const IMPRESSION = 1;

/** Views by `campaign/window`. */
type Views = Map<string, number>;

export function yahooContestants(traffic: Traffic): Contestant[] {
  const campaignOfAd = new Map<string, string>();
  for (let ad = 0; ad < 10_000; ad += 1) {
    const campaign = `cmp_${String(Math.floor(ad / 10)).padStart(6, "0")}`;
    campaignOfAd.set(`ad_${String(ad).padStart(8, "0")}`, campaign);
  }
  const [ours, theirs] = [withScanner(traffic, campaignOfAd), withMaps(traffic, campaignOfAd)];
  for (const [key, views] of theirs) {
    if (ours.get(key) !== views) throw new Error(`${key}: ${ours.get(key)} and ${views}`);
  }
  const contestant = (name: string, count: typeof withMaps): Contestant => ({
    name,
    run: async () => {
      const startedS = cpuSeconds();
      count(traffic, campaignOfAd);
      return { events_per_cpu_s: traffic.events / (cpuSeconds() - startedS) };
    },
  });
  return [
    contestant("scanner and typed arrays", withScanner),
    contestant("JSON.parse + Map", withMaps),
  ];
}

/** Ads and their campaigns as small integers. */
class JoinedAds {
  readonly campaigns: readonly string[];
  readonly #hash = new SpanHash(Int32Array.of(1, 2, 3, 4));
  readonly #ads = new Interner();
  readonly #text = new HashedText();
  readonly #joined: Int32Array;

  constructor(campaignOfAd: ReadonlyMap<string, string>) {
    this.campaigns = [...new Set(campaignOfAd.values())];
    const campaignAt = new Map(this.campaigns.map((campaign, at) => [campaign, at]));
    this.#joined = Int32Array.from(campaignOfAd, ([ad, campaign]) => {
      const bytes = new TextEncoder().encode(ad);
      const view = new DataView(bytes.buffer);
      this.#hash.read(this.#text, view, 0, bytes.length);
      this.#ads.intern(view, this.#text);
      return campaignAt.get(campaign) ?? 0;
    });
  }

  campaignOf({ view, starts, ends }: EventSpans): number {
    this.#hash.read(this.#text, view, starts[AD_ID] ?? 0, ends[AD_ID] ?? 0);
    return this.#joined[this.#ads.find(view, this.#text)] ?? -1;
  }
}

function withScanner({ blocks }: Traffic, campaignOfAd: ReadonlyMap<string, string>): Views {
  const scanner = new LineScanner(["event_type", "event_time", "ad_id"]);
  const ads = new JoinedAds(campaignOfAd);
  const windows = new Map<number, Uint32Array>();
  const { spans } = scanner;
  for (const { value } of blocks) {
    scanner.open(value);
    for (let at = 0; at < value.length; ) {
      at = scanner.scan(at) + 1;
      if (at === 0) throw new Error("The traffic has unusual lines");
      if (spans.eventType === IMPRESSION) raiseView(windows, spans.eventTimeMs, ads, spans);
    }
  }
  const views: Views = new Map();
  for (const [startMs, counts] of windows) {
    for (const [at, count] of counts.entries()) {
      if (count > 0) views.set(`${ads.campaigns[at]}/${startMs}`, count);
    }
  }
  return views;
}

function raiseView(
  windows: Map<number, Uint32Array>,
  eventTimeMs: number,
  ads: JoinedAds,
  spans: EventSpans,
): void {
  const startMs = Math.floor(eventTimeMs / WINDOW_MS) * WINDOW_MS;
  const campaign = ads.campaignOf(spans);
  if (campaign < 0) return;
  let counts = windows.get(startMs);
  if (counts === undefined) {
    counts = new Uint32Array(ads.campaigns.length);
    windows.set(startMs, counts);
  }
  counts[campaign] = (counts[campaign] ?? 0) + 1;
}

function withMaps({ blocks }: Traffic, campaignOfAd: ReadonlyMap<string, string>): Views {
  const views: Views = new Map();
  for (const { value } of blocks) {
    for (const line of Buffer.from(value.buffer, value.byteOffset, value.length)
      .toString("latin1")
      .split("\n")) {
      const event = JSON.parse(line);
      if (event.event_type !== "impression") continue;
      const campaign = campaignOfAd.get(event.ad_id);
      if (campaign === undefined) continue;
      const key = `${campaign}/${Math.floor(event.event_time / WINDOW_MS) * WINDOW_MS}`;
      views.set(key, (views.get(key) ?? 0) + 1);
    }
  }
  return views;
}
