import { partitionOf } from "@trueclick/event-log/partition";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { SECOND_MS } from "@trueclick/shared/time";
import { BASE_MS, blockOf, storedClick } from "./fixtures.ts";

const EVENTS_PER_BLOCK = 5;
const BLOCK_EVERY_MS = 700;

export interface LedgerBlock {
  readonly partition: number;
  readonly value: Buffer;
  readonly appendTimeMs: number;
  readonly events: readonly StoredEvent[];
}

/**
 * A seeded stretch of traffic in blocks as the edge appends them: unique clicks spread over ads and
 * countries, a tenth of them sent again, some by robots, for unknown campaigns, or far too late.
 *
 * @param startMs Append time of the first block, epoch milliseconds.
 */
export function ledger(clicks: number, partitions: number, startMs = BASE_MS): LedgerBlock[] {
  const random = mulberry32(20_260_302);
  const pick = <T>(words: readonly T[]) => words[Math.floor(random() * words.length)];
  const waiting = new Map<number, StoredEvent[]>();
  const blocks: LedgerBlock[] = [];
  let nowMs = startMs;

  function send(event: StoredEvent) {
    const partition = partitionOf(event.event_id, partitions);
    const events = [...(waiting.get(partition) ?? []), event];
    waiting.set(partition, events);
    if (events.length === EVENTS_PER_BLOCK) append(partition, events);
  }
  function append(partition: number, events: readonly StoredEvent[]) {
    nowMs += BLOCK_EVERY_MS;
    blocks.push({ partition, value: blockOf(events), appendTimeMs: nowMs, events });
    waiting.delete(partition);
  }

  for (let serial = 0; serial < clicks; serial += 1) {
    const lateMs = random() < 0.02 ? 600 * SECOND_MS : random() * 20 * SECOND_MS;
    const click = storedClick({
      event_id: `led-${String(serial).padStart(8, "0")}`,
      event_time: Math.floor(nowMs - lateMs),
      campaign_id: random() < 0.03 ? "cmp_unknown" : "cmp_1",
      ad_id: pick(["ad_1", "ad_2", "ad_3"]) ?? "ad_1",
      geo: pick(["DE", "NP", "ZZ"]) ?? "ZZ",
      user_id: `usr-${serial % 97}`,
      flags: random() < 0.05 ? ["bot_user_agent"] : [],
    });
    send(click);
    if (random() < 0.1) send({ ...click, ingest_time: click.ingest_time + 250 });
  }
  for (const [partition, events] of waiting) append(partition, events);
  return blocks;
}

/** A small generator of known quality (Tommy Ettinger's mulberry32): the same ledger every time. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
