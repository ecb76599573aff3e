/**
 * A spool of append-only files, each filled once, synced before it counts, and removed whole when
 * the log has what is in it. A crash in between costs further copies of one file's blocks, which
 * readers of the log remove; never a block.
 *
 * A file that the disk damaged is drained as far as it can be read and then set aside instead of
 * removed, one that cannot be read at all is set aside unread: what is behind it must not wait for
 * hands, and what is in it is not ours to throw away.
 */
import type { Block } from "../../domain/blocks.ts";
import { type Spool, type SpoolStats, SpoolUnavailableError } from "../../ports/spool.ts";
import { toFrame } from "./frames.ts";
import {
  foundSegment,
  newSegment,
  parseSegmentName,
  readSegment,
  type Segment,
  SegmentEnds,
  segmentName,
} from "./segment.ts";
import type { SpoolFile, SpoolFolder } from "./spoolFolder.ts";

/** A file that has grown to this is closed; the unit in which the spool is drained. */
const SEGMENT_BYTES = 1_048_576;
/** One write and sync takes at most this of what waits, unless a single append is larger. */
const GROUP_BYTES_MAX = 4 * 1_048_576;
/** After a failed append the spool says for this long that it can take nothing, milliseconds. */
const UNREADY_AFTER_FAILURE_MS = 2_000;
/** A file that could not be read this often in a row is set aside. */
const READ_TRIES_MAX = 5;

export interface SegmentSpoolSettings {
  /** Most bytes of all files together. */
  readonly bytesMax: number;
  readonly nowMs: () => number;
}

interface Append {
  readonly bytes: Buffer;
  readonly records: number;
  readonly resolve: () => void;
  readonly reject: (error: SpoolUnavailableError) => void;
}

export class SegmentSpool implements Spool {
  readonly #folder: SpoolFolder;
  readonly #settings: SegmentSpoolSettings;
  /** Oldest first; the active one, if any, is the last. */
  readonly #segments: Segment[] = [];
  readonly #waiting: Append[] = [];
  readonly #ends: SegmentEnds;
  readonly #counts = {
    ...{ spooledRecords: 0, drainedRecords: 0, failedAppends: 0 },
    ...{ tornBytes: 0, damagedBytes: 0 },
  };
  #active: { readonly file: SpoolFile; readonly segment: Segment } | null = null;
  #peeked: Segment | null = null;
  #nextNumber = 0;
  #bytes = 0;
  #records = 0;
  #pendingBytes = 0;
  #failedAtMs: number | null = null;
  #isClosed = false;
  /** Work on the files, one piece behind the other. */
  #queue: Promise<void> = Promise.resolve();

  private constructor(folder: SpoolFolder, settings: SegmentSpoolSettings) {
    this.#folder = folder;
    this.#settings = settings;
    this.#ends = new SegmentEnds(folder);
  }

  /**
   * Takes over what an earlier process left, up to a frame that its death tore. Opens whatever state
   * the files are in: the log may be well, and then a damaged spool must not stop the edge.
   */
  static async open(folder: SpoolFolder, settings: SegmentSpoolSettings): Promise<SegmentSpool> {
    const spool = new SegmentSpool(folder, settings);
    for (const name of await folder.list()) await spool.#takeOver(name);
    return spool;
  }

  async #takeOver(name: string): Promise<void> {
    const parsed = parseSegmentName(name);
    if (parsed === null) return;
    this.#nextNumber = Math.max(this.#nextNumber, parsed.number + 1);
    const segment = foundSegment(name, await this.#folder.sizeOf(name).catch(() => 0));
    // Whatever state it is in, it takes room: that is what bounds the spool.
    this.#bytes += segment.bytes;
    if (parsed.isAside) {
      this.#ends.findAside();
      return;
    }
    const blocks = await this.#read(segment).catch(() => null);
    if (blocks?.length === 0) {
      await this.#end(segment);
      return;
    }
    this.#segments.push(segment);
    this.#records += segment.records;
  }

  append(blocks: readonly Block[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new SpoolUnavailableError("The spool is closed"));
    const bytes = Buffer.concat(blocks.map(toFrame));
    if (this.#bytes + this.#pendingBytes + bytes.length > this.#settings.bytesMax) {
      this.#counts.failedAppends += 1;
      return Promise.reject(new SpoolUnavailableError("The spool is full"));
    }
    this.#pendingBytes += bytes.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, records: blocks.length, resolve, reject });
      // What comes while a write is under way goes out together in the next.
      void this.#exclusively(() => this.#writeGroup());
    });
  }

  async peek(): Promise<readonly Block[]> {
    return this.#exclusively(async () => {
      this.#bytes -= await this.#ends.retry();
      const [oldest] = this.#segments;
      if (oldest === undefined) return [];
      // Closed before it is read, so that nothing is added to what will be removed.
      if (oldest === this.#active?.segment) await this.#closeActive();
      const recordsBefore = oldest.records;
      try {
        const blocks = await this.#read(oldest);
        this.#records += oldest.records - recordsBefore;
        this.#peeked = oldest;
        return blocks;
      } catch (cause) {
        oldest.failedReads += 1;
        if (oldest.failedReads >= READ_TRIES_MAX) {
          oldest.isDamaged = true;
          await this.#letGo(oldest);
        }
        throw new SpoolUnavailableError(`${oldest.name} of the spool cannot be read`, { cause });
      }
    });
  }

  async release(): Promise<void> {
    return this.#exclusively(async () => {
      const released = this.#peeked;
      if (released === null || released !== this.#segments[0]) return;
      this.#peeked = null;
      this.#counts.drainedRecords += released.records;
      await this.#letGo(released);
    });
  }

  stats(): SpoolStats {
    const { filesAside, filesUnremoved } = this.#ends;
    const files = { filesAside, filesUnremoved };
    return { bytes: this.#bytes, records: this.#records, ...this.#counts, ...files };
  }

  canTake(): boolean {
    const { bytesMax, nowMs } = this.#settings;
    const failedAtMs = this.#failedAtMs;
    // Only for a while: without readiness nobody would try the next one.
    if (failedAtMs !== null && nowMs() - failedAtMs < UNREADY_AFTER_FAILURE_MS) return false;
    return !this.#isClosed && this.#bytes + this.#pendingBytes < bytesMax;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#exclusively(async () => {
      await this.#closeActive();
      this.#bytes -= await this.#ends.retry();
    });
  }

  async #read(segment: Segment): Promise<readonly Block[]> {
    const { blocks, tornBytes, damagedBytes } = await readSegment(this.#folder, segment);
    this.#counts.tornBytes += tornBytes;
    this.#counts.damagedBytes += damagedBytes;
    return blocks;
  }

  /** The oldest file is done with, and holds up the others no longer. */
  async #letGo(oldest: Segment): Promise<void> {
    this.#segments.shift();
    this.#records -= oldest.records;
    await this.#end(oldest);
  }

  async #end(segment: Segment): Promise<void> {
    this.#bytes -= await this.#ends.end(segment, segment.isDamaged ? "set aside" : "remove");
  }

  #exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  async #writeGroup(): Promise<void> {
    const group = this.#takeGroup();
    if (group.length === 0) return;
    const bytes = Buffer.concat(group.map((append) => append.bytes));
    try {
      const { file, segment } = await this.#openActive();
      await file.write(bytes, segment.bytes);
      const records = group.reduce((sum, append) => sum + append.records, 0);
      segment.bytes += bytes.length;
      segment.records += records;
      this.#bytes += bytes.length;
      this.#records += records;
    } catch (cause) {
      await this.#abandonActive();
      this.#failedAtMs = this.#settings.nowMs();
      this.#counts.failedAppends += group.length;
      const error = new SpoolUnavailableError("The spool cannot be written", { cause });
      for (const append of group) append.reject(error);
      return;
    } finally {
      this.#pendingBytes -= bytes.length;
    }
    this.#failedAtMs = null;
    for (const append of group) {
      this.#counts.spooledRecords += append.records;
      append.resolve();
    }
  }

  #takeGroup(): Append[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((append) => {
      bytes += append.bytes.length;
      return bytes > GROUP_BYTES_MAX;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : Math.max(end, 1));
  }

  async #openActive() {
    if (this.#active !== null && this.#active.segment.bytes >= SEGMENT_BYTES) {
      await this.#closeActive();
    }
    if (this.#active === null) {
      const name = segmentName(this.#nextNumber);
      this.#nextNumber += 1;
      const segment = newSegment(name);
      const file = await this.#folder.create(name);
      this.#segments.push(segment);
      this.#active = { file, segment };
    }
    return this.#active;
  }

  async #closeActive(): Promise<void> {
    const active = this.#active;
    this.#active = null;
    // What counts was synced; a file that cannot be closed takes nothing from that.
    await active?.file.close().catch(() => {});
  }

  /**
   * After a failed write or sync nobody knows what is on disk behind the last good frame. It is cut
   * off where that works, and the file is never written again; if the cut fails, readers skip the
   * torn frame.
   */
  async #abandonActive(): Promise<void> {
    const active = this.#active;
    if (active === null) return;
    await active.file.truncate(active.segment.bytes).catch(() => {});
    await this.#closeActive();
    if (active.segment.records > 0) return;
    this.#segments.splice(this.#segments.indexOf(active.segment), 1);
    await this.#end(active.segment);
  }
}
