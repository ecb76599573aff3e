/** A prepared log: seeded, the same at every run, made before anything is timed. */
import { hash } from "node:crypto";
import { partitionOf } from "@trueclick/event-log/partition";
import { DEVICES, type StoredEvent } from "@trueclick/shared/event/stored";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import type { Campaign } from "../../apps/aggregator/src/stream/domain/campaigns.ts";
import type { LogBlock } from "../../apps/aggregator/src/stream/domain/partitionEngine.ts";

export const START_MS = Date.UTC(2026, 2, 2, 10);
export const CPC_MICROS = 250_000n;
const CAMPAIGNS = 1_000;
const ADVERTISERS = 50;
const EVENTS_PER_SECOND = 20_000;
const EVENTS_PER_BLOCK = 500;
const COUNTRIES = "US GB DE FR IN BR JP CA AU MX ES IT NL SE PL TR ID KR ZA AR".split(" ");

export interface TrafficOptions {
  readonly events: number;
  readonly partitions: number;
  /** Share of events of one campaign, on top of its own. */
  readonly hotShare: number;
  readonly duplicateShare: number;
}

export interface PreparedBlock extends LogBlock {
  readonly partition: number;
}

export interface Traffic {
  readonly blocks: readonly PreparedBlock[];
  readonly campaigns: ReadonlyMap<string, Campaign>;
  readonly events: number;
}

export function prepareTraffic(options: TrafficOptions): Traffic {
  const random = mulberry32(20_260_302);
  const recent: StoredEvent[] = [];
  const waiting: string[][] = Array.from({ length: options.partitions }, () => []);
  const blocks: PreparedBlock[] = [];
  const offsets = Array.from({ length: options.partitions }, () => 0n);

  function append(partition: number, appendTimeMs: number) {
    const lines = waiting[partition] ?? [];
    if (lines.length === 0) return;
    const offset = offsets[partition] ?? 0n;
    offsets[partition] = offset + 1n;
    waiting[partition] = [];
    blocks.push({ partition, offset, appendTimeMs, value: Buffer.from(lines.join("\n")) });
  }

  for (let serial = 0; serial < options.events; serial += 1) {
    const nowMs = START_MS + Math.floor((serial / EVENTS_PER_SECOND) * 1_000);
    const again = recent[Math.floor(random() * recent.length)];
    const isCopy = again !== undefined && random() < options.duplicateShare;
    const event = isCopy ? again : newEvent(serial, nowMs, options.hotShare, random);
    if (!isCopy) recent[serial % 5_000] = event;
    const partition = partitionOf(event.event_id, options.partitions);
    const lines = waiting[partition];
    lines?.push(JSON.stringify(event));
    if (lines?.length === EVENTS_PER_BLOCK) append(partition, nowMs);
  }
  const endMs = START_MS + Math.ceil((options.events / EVENTS_PER_SECOND) * 1_000);
  for (let partition = 0; partition < options.partitions; partition += 1) append(partition, endMs);
  return { blocks, campaigns: campaigns(), events: options.events };
}

function newEvent(
  serial: number,
  nowMs: number,
  hotShare: number,
  random: () => number,
): StoredEvent {
  const id = hash("md5", String(serial));
  const campaign = random() < hotShare ? 0 : zipf(CAMPAIGNS, random);
  const padded = (value: number, digits: number) => String(value).padStart(digits, "0");
  return {
    schema_version: 1,
    event_type: random() < 0.7 ? "click" : "impression",
    event_id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    event_time: nowMs - Math.floor(random() * 20_000),
    ingest_time: nowMs,
    campaign_id: `cmp_${padded(campaign, 6)}`,
    ad_id: `ad_${padded(campaign * 10 + Math.floor(random() * 10), 8)}`,
    publisher_id: `pub_${padded(zipf(500, random), 5)}`,
    user_id: `u_${Math.floor(random() * 5e6).toString(36)}`,
    geo: COUNTRIES[zipf(COUNTRIES.length, random)] ?? "ZZ",
    device: DEVICES[zipf(DEVICES.length, random)] ?? "other",
    ip_hash: id,
    ip_net: "192.0.2.0/24",
    region: "local",
    source_id: "src_1",
    flags: ["token_absent"],
  };
}

function campaigns(): Map<string, Campaign> {
  return new Map(
    Array.from({ length: CAMPAIGNS }, (_none, at) => [
      `cmp_${String(at).padStart(6, "0")}`,
      {
        advertiserId: advertiserIdSchema.parse(`adv_${at % ADVERTISERS}`),
        createdAtMs: 0,
        rates: [{ effectiveFromMs: 0, cpcMicros: CPC_MICROS, createdAtMs: 0 }],
      },
    ]),
  );
}

function zipf(count: number, random: () => number): number {
  return Math.min(count - 1, Math.floor(Math.exp(random() * Math.log(count + 1))) - 1);
}

/** A small generator of known quality (Tommy Ettinger's mulberry32). */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
