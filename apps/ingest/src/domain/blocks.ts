/** Gathers stored events into blocks, the records of the log. */
import { BLOCK_EVENTS_MAX } from "@trueclick/shared/event/block";

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

/** A stored event's bytes, `[start, end)` of a buffer, and where they belong. */
export interface Line {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

interface OpenBlock {
  readonly partition: number;
  readonly lines: Line[];
  /** Line breaks included, also one behind the last line. */
  bytes: number;
}

const LINE_FEED = 0x0a;

/**
 * Events that are lines already, byte for byte: in the order they came in, one block per partition,
 * and a further one where a block is full. A block is as durable as its record: whole or not at all.
 */
export function linesToBlocks(events: readonly EventLine[], limits: BlockLimits): Block[] {
  const { partitionCount, partitionOf } = limits;
  const bytes = Buffer.from(events.map(({ line }) => line).join(""));
  let start = 0;
  const lines = events.map(({ eventId, line }) => {
    const end = start + Buffer.byteLength(line);
    const placed = { partition: partitionOf(eventId, partitionCount), start, end };
    start = end;
    return placed;
  });
  return gatherBlocks(bytes, lines, limits);
}

/**
 * The same for lines of one buffer, whose bytes are copied: it may be used again.
 *
 * @param take Gives the memory that the blocks come to lie in; asked once.
 */
export function gatherBlocks(
  bytes: Buffer,
  lines: readonly Line[],
  { partitionCount, bytesMax }: Omit<BlockLimits, "partitionOf">,
  take: (length: number) => Buffer = Buffer.allocUnsafe,
): Block[] {
  const open = assignBlocks(lines, bytesMax);
  const all = take(open.reduce((sum, block) => sum + block.bytes, 0));
  let at = 0;
  return open.map(({ partition, lines: linesOfBlock }) => {
    const start = at;
    for (const line of linesOfBlock) {
      at += bytes.copy(all, at, line.start, line.end);
      all[at] = LINE_FEED;
      at += 1;
    }
    // Between lines there is a line break; behind the last one there is none.
    return { partition, partitionCount, value: all.subarray(start, at - 1) };
  });
}

function assignBlocks(lines: readonly Line[], bytesMax: number): OpenBlock[] {
  const blocks: OpenBlock[] = [];
  const openByPartition = new Map<number, OpenBlock>();
  for (const line of lines) {
    const lineBytes = line.end - line.start + 1;
    let block = openByPartition.get(line.partition);
    if (block === undefined || isFull(block, lineBytes, bytesMax)) {
      block = { partition: line.partition, lines: [], bytes: 0 };
      blocks.push(block);
      openByPartition.set(line.partition, block);
    }
    block.lines.push(line);
    block.bytes += lineBytes;
  }
  return blocks;
}

function isFull(block: OpenBlock, lineBytes: number, bytesMax: number): boolean {
  return block.lines.length === BLOCK_EVENTS_MAX || block.bytes + lineBytes > bytesMax;
}
