/** One file of a spool: what is known of it, how it is read, and how it ends. */
import type { Block } from "../../domain/blocks.ts";
import { readFrames } from "./frames.ts";
import type { SpoolFolder } from "./spoolFolder.ts";

export interface Segment {
  readonly name: string;
  /** Bytes of whole, synced frames; of a file that an earlier process left, all of them. */
  bytes: number;
  /** Blocks; 1 for a file of an earlier process that could not be read yet, so that it is tried. */
  records: number;
  /** Whether `records` is known, because we wrote them or have read them. */
  isCounted: boolean;
  isDamaged: boolean;
  failedReads: number;
}

export function newSegment(name: string): Segment {
  return { name, bytes: 0, records: 0, isCounted: true, isDamaged: false, failedReads: 0 };
}

/** A file as an earlier process left it, not read yet. */
export function foundSegment(name: string, bytes: number): Segment {
  return { ...newSegment(name), bytes, records: 1, isCounted: false };
}

export interface ReadSegment {
  readonly blocks: readonly Block[];
  /** Found in this reading and in none before it. */
  readonly tornBytes: number;
  readonly damagedBytes: number;
}

/**
 * Reads a file's blocks and notes how many there are, and whether the disk has lost any: a file must
 * not yield less than it was given.
 *
 * @throws what the folder throws when it cannot be read.
 */
export async function readSegment(folder: SpoolFolder, segment: Segment): Promise<ReadSegment> {
  const bytes = await folder.read(segment.name);
  const { blocks, tornBytes, damagedBytes } = readFrames(bytes);
  const missingBytes = segment.isCounted ? Math.max(segment.bytes - bytes.length, 0) : 0;
  const lostBytes = damagedBytes + missingBytes;
  const isFirstReading = !segment.isCounted;
  const isFirstDamage = !segment.isDamaged && lostBytes > 0;
  segment.records = blocks.length;
  segment.isCounted = true;
  segment.failedReads = 0;
  if (isFirstDamage) segment.isDamaged = true;
  return {
    blocks,
    tornBytes: isFirstReading ? tornBytes : 0,
    damagedBytes: isFirstDamage ? lostBytes : 0,
  };
}

const ASIDE_SUFFIX = ".aside";
const SEGMENT_NAME = /^(\d{12})\.spool(\.aside)?$/;

export function segmentName(number: number): string {
  return `${String(number).padStart(12, "0")}.spool`;
}

/** What a file's name says; null where it is none of a spool's. */
export function parseSegmentName(name: string) {
  const [, number, aside] = SEGMENT_NAME.exec(name) ?? [];
  return number === undefined ? null : { number: Number(number), isAside: aside !== undefined };
}

type End = "remove" | "set aside";

/**
 * Ends files that are done with. One that the disk would not let go of is tried again later, and
 * meanwhile is nobody's: its blocks are in the log, where once is enough.
 */
export class SegmentEnds {
  readonly #folder: SpoolFolder;
  readonly #left: { readonly segment: Segment; readonly end: End }[] = [];
  #filesAside = 0;

  constructor(folder: SpoolFolder) {
    this.#folder = folder;
  }

  get filesAside(): number {
    return this.#filesAside;
  }

  get filesUnremoved(): number {
    return this.#left.length;
  }

  /** Counts one that an earlier process has set aside. */
  findAside(): void {
    this.#filesAside += 1;
  }

  /** @returns Bytes that the disk has back. */
  async end(segment: Segment, end: End): Promise<number> {
    const { name, bytes } = segment;
    try {
      if (end === "remove") {
        await this.#folder.remove(name);
        return bytes;
      }
      await this.#folder.rename(name, `${name}${ASIDE_SUFFIX}`);
      this.#filesAside += 1;
    } catch {
      this.#left.push({ segment, end });
    }
    return 0;
  }

  /** @returns Bytes that the disk has back. */
  async retry(): Promise<number> {
    let freedBytes = 0;
    for (const { segment, end } of this.#left.splice(0)) freedBytes += await this.end(segment, end);
    return freedBytes;
  }
}
