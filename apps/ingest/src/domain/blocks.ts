/** Gathers stored events into blocks, the records of the log. */
import { BLOCK_EVENTS_MAX } from "@trueclick/shared/event/block";
import type { StoredEvent } from "@trueclick/shared/event/stored";

/** One record to append: NDJSON of events that belong to one partition. */
export interface Block {
  readonly partition: number;
  readonly value: Buffer;
}

export interface BlockLimits {
  readonly partitionOf: (eventId: string) => number;
  /** Most bytes of a block. One event always makes a block, however large. */
  readonly bytesMax: number;
}

interface OpenBlock {
  readonly partition: number;
  readonly lines: string[];
  bytes: number;
}

/**
 * Events in the order they came in, one block per partition, and a further one where a block is
 * full. A block is as durable as its record: whole or not at all.
 */
export function toBlocks(events: readonly StoredEvent[], limits: BlockLimits): Block[] {
  const blocks: OpenBlock[] = [];
  const openByPartition = new Map<number, OpenBlock>();
  for (const event of events) {
    const line = JSON.stringify(event);
    const lineBytes = Buffer.byteLength(line) + 1;
    const partition = limits.partitionOf(event.event_id);
    let block = openByPartition.get(partition);
    if (block === undefined || isFull(block, lineBytes, limits.bytesMax)) {
      block = { partition, lines: [], bytes: 0 };
      blocks.push(block);
      openByPartition.set(partition, block);
    }
    block.lines.push(line);
    block.bytes += lineBytes;
  }
  return blocks.map(({ partition, lines }) => ({
    partition,
    value: Buffer.from(lines.join("\n")),
  }));
}

function isFull(block: OpenBlock, lineBytes: number, bytesMax: number): boolean {
  return block.lines.length === BLOCK_EVENTS_MAX || block.bytes + lineBytes > bytesMax;
}
