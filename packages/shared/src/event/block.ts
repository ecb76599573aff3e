/**
 * Blocks: the value of one log record. NDJSON in UTF-8, one stored event a line, `\n` between
 * lines and none at the end. The coordinates of an event are `partition:offset:index`, where index
 * counts the lines of its block from 0.
 *
 * A foreign producer may append a single event, with or without a final line break: a block of one.
 */

/** Most events that one block may hold. */
export const BLOCK_EVENTS_MAX = 1_000;

/** Where an event lies in the log. */
export interface Coordinates {
  readonly partition: number;
  readonly offset: bigint;
  /** Line of the block, from 0. */
  readonly index: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export function formatCoordinates({ partition, offset, index }: Coordinates): string {
  return `${partition}:${offset}:${index}`;
}

/** How many lines `blockLines` finds, without making a view of each. */
export function countBlockLines(block: Uint8Array): number {
  let lines = 0;
  let start = 0;
  while (start < block.length) {
    const found = block.indexOf(LINE_FEED, start);
    const end = found === -1 ? block.length : found;
    const hasReturn = end > start && block[end - 1] === CARRIAGE_RETURN;
    if (end - start > (hasReturn ? 1 : 0)) lines += 1;
    start = end + 1;
  }
  return lines;
}

/**
 * The lines of a block, as views on its bytes. Empty lines are left out and take no index, so a
 * final line break adds nothing.
 */
export function blockLines(block: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  while (start < block.length) {
    const found = block.indexOf(LINE_FEED, start);
    const end = found === -1 ? block.length : found;
    const trimmed = end > start && block[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (trimmed > start) lines.push(block.subarray(start, trimmed));
    start = end + 1;
  }
  return lines;
}
