/** The contestants of the CPU path: bytes of blocks in, cells per minute and cube out. */
import type { storedEventSchema } from "@trueclick/shared/event/stored";
import { MINUTE_MS } from "@trueclick/shared/time";
import {
  initialCheckpoint,
  PartitionEngine,
} from "../../apps/aggregator/src/stream/domain/partitionEngine.ts";
import type { PreparedBlock, Traffic } from "./traffic.ts";

export const LATENESS_MS = 10 * MINUTE_MS;
/** Blocks between two hand-overs of changed cells: a second of the traffic. */
const BLOCKS_A_FLUSH = 40;

/** Clicks and cost in micros by `cube/campaign/minute/value`, duplicates, and bytes an open id. */
export interface Counted {
  readonly cells: ReadonlyMap<string, readonly [clicks: number, costMicros: bigint]>;
  readonly duplicates: number;
  readonly bytesPerEntry: number;
}

/**
 * Our engine, one a partition. Hands over what has changed every second of the traffic, as a flush
 * does, or at the end alone, where that is all that the peer does.
 */
export function countWithEngine(
  traffic: Traffic,
  { collect, flushes }: { readonly collect: boolean; readonly flushes: boolean },
): Counted {
  const engines = new Map<number, PartitionEngine>();
  const cells = new Map<string, readonly [number, bigint]>();
  const parts = new Map<string, readonly [number, bigint]>();
  let duplicates = 0;
  const options = {
    ...{ allowedLatenessMs: LATENESS_MS, openEntriesMax: 8_000_000 },
    hashKey: Int32Array.of(1, 2, 3, 4),
  };
  const flush = (partition: number, engine: PartitionEngine) => {
    const changes = engine.takeChanges();
    duplicates += changes.rejects.length;
    // As they are written: a flush makes each row once, whoever it is for.
    for (const cell of changes.cells) {
      if (!collect) continue;
      const { cube, campaignId, windowStartMs, dimensionValue } = cell;
      const key = `${cube}/${campaignId}/${windowStartMs}/${dimensionValue}`;
      const [beforeClicks, beforeCost] = parts.get(`${partition}:${key}`) ?? [0, 0n];
      const [clicks, cost] = cells.get(key) ?? [0, 0n];
      parts.set(`${partition}:${key}`, [cell.clicks, cell.costMicros]);
      const costMicros = cost + cell.costMicros - beforeCost;
      cells.set(key, [clicks + cell.clicks - beforeClicks, costMicros]);
    }
  };
  for (const [at, block] of traffic.blocks.entries()) {
    const { partition } = block;
    const engine =
      engines.get(partition) ??
      new PartitionEngine({ ...options, partition }, initialCheckpoint(0n));
    engines.set(partition, engine);
    engine.admit(block, traffic.campaigns);
    if (flushes && at % BLOCKS_A_FLUSH === 0) for (const [each, own] of engines) flush(each, own);
  }
  for (const [each, own] of engines) flush(each, own);
  const all = [...engines.values()];
  const bytes = all.reduce((sum, engine) => sum + engine.held.bytes, 0);
  const entries = all.reduce((sum, engine) => sum + engine.held.entries, 0);
  return { cells, duplicates, bytesPerEntry: bytes / entries };
}

interface Cell {
  clicks: number;
  impressions: number;
  costMicros: number;
}

/** What a window of the usual program holds. */
interface Window {
  readonly ids: Set<string>;
  readonly cells: Map<string, Cell>;
}

const CPC_MICROS = 250_000;

/**
 * The usual program: JSON.parse, a check by hand, a Set of ids and a Map of cells for each minute.
 * It keeps neither evidence nor payload hashes, nor does it hand over changes.
 */
export function countWithMaps(traffic: Traffic): Counted {
  const windows = new Map<number, Window>();
  let newestMs = 0;
  let duplicates = 0;
  for (const block of traffic.blocks) {
    newestMs = Math.max(newestMs, block.appendTimeMs);
    duplicates += countBlock(block, windows, newestMs - LATENESS_MS, traffic);
  }
  const cells = new Map<string, readonly [number, bigint]>();
  for (const [startMs, window] of windows) {
    for (const [key, { clicks, costMicros }] of window.cells) {
      const [cube, campaign, ...value] = key.split("/");
      cells.set(`${cube}/${campaign}/${startMs}/${value.join("/")}`, [clicks, BigInt(costMicros)]);
    }
  }
  return { cells, duplicates, bytesPerEntry: 0 };
}

function countBlock(
  { value }: PreparedBlock,
  windows: Map<number, Window>,
  watermarkMs: number,
  { campaigns }: Traffic,
): number {
  let duplicates = 0;
  for (const line of Buffer.from(value.buffer, value.byteOffset, value.length)
    .toString("utf8")
    .split("\n")) {
    const event = checked(JSON.parse(line));
    if (event === null || !campaigns.has(event.campaign_id ?? "")) continue;
    const startMs = event.event_time - (event.event_time % MINUTE_MS);
    if (startMs + MINUTE_MS <= watermarkMs) continue;
    let window = windows.get(startMs);
    if (window === undefined) {
      window = { ids: new Set(), cells: new Map() };
      windows.set(startMs, window);
    }
    if (window.ids.has(event.event_id)) {
      duplicates += 1;
      continue;
    }
    window.ids.add(event.event_id);
    const isClick = event.event_type === "click";
    raise(window.cells, `ad/${event.campaign_id}/${event.ad_id}`, isClick);
    raise(window.cells, `geo/${event.campaign_id}/${event.geo}`, isClick);
    raise(window.cells, `device/${event.campaign_id}/${event.device}`, isClick);
    raise(window.cells, `publisher/${event.campaign_id}/${event.publisher_id}`, isClick);
  }
  return duplicates;
}

function raise(cells: Map<string, Cell>, key: string, isClick: boolean): void {
  let cell = cells.get(key);
  if (cell === undefined) {
    cell = { clicks: 0, impressions: 0, costMicros: 0 };
    cells.set(key, cell);
  }
  if (isClick) {
    cell.clicks += 1;
    cell.costMicros += CPC_MICROS;
  } else cell.impressions += 1;
}

type Checked = ReturnType<typeof storedEventSchema.parse>;

const isText = (value: unknown, lengthMax: number) =>
  value === undefined || (typeof value === "string" && value.length <= lengthMax);

function isChecked(value: unknown): value is Checked {
  if (typeof value !== "object" || value === null) return false;
  const event: Partial<Record<keyof Checked, unknown>> = value;
  return (
    Number.isSafeInteger(event.schema_version) &&
    typeof event.event_id === "string" &&
    event.event_id.length >= 8 &&
    event.event_id.length <= 64 &&
    (event.event_type === "click" || event.event_type === "impression") &&
    Number.isSafeInteger(event.event_time) &&
    Number.isSafeInteger(event.ingest_time) &&
    isText(event.campaign_id, 64) &&
    isText(event.ad_id, 64) &&
    isText(event.publisher_id, 64) &&
    isText(event.user_id, 128) &&
    typeof event.geo === "string" &&
    event.geo.length === 2 &&
    typeof event.device === "string" &&
    typeof event.source_id === "string" &&
    Array.isArray(event.flags)
  );
}

function checked(value: unknown): Checked | null {
  return isChecked(value) ? value : null;
}
