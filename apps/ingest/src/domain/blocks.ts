/** Gathers stored events into blocks, the records of the log. */
import { BLOCK_EVENTS_MAX } from "@trueclick/shared/event/block";
import type { StoredEvent } from "@trueclick/shared/event/stored";

/** One record to append: NDJSON of events that belong to one partition. */
export interface Block {
  readonly partition: number;
  /** How many partitions `partition` was chosen among. */
  readonly partitionCount: number;
  readonly value: Buffer;
}

export interface BlockLimits {
  readonly partitionCount: number;
  readonly partitionOf: (eventId: string, partitionCount: number) => number;
  /** Most bytes of a block. One event always makes a block, however large. */
  readonly bytesMax: number;
}

/** A stored event as it stands in a block. */
export interface EventLine {
  readonly eventId: string;
  readonly line: string;
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
  const lines = events.map((event) => ({ eventId: event.event_id, line: JSON.stringify(event) }));
  return linesToBlocks(lines, limits);
}

/** The same for events that are lines already, byte for byte. */
export function linesToBlocks(events: readonly EventLine[], limits: BlockLimits): Block[] {
  const { partitionCount } = limits;
  const blocks: OpenBlock[] = [];
  const openByPartition = new Map<number, OpenBlock>();
  for (const { eventId, line } of events) {
    const lineBytes = Buffer.byteLength(line) + 1;
    const partition = limits.partitionOf(eventId, partitionCount);
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
    partitionCount,
    value: Buffer.from(lines.join("\n")),
  }));
}

function isFull(block: OpenBlock, lineBytes: number, bytesMax: number): boolean {
  return block.lines.length === BLOCK_EVENTS_MAX || block.bytes + lineBytes > bytesMax;
}
