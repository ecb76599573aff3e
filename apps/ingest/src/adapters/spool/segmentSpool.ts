/**
 * A spool of append-only files, each filled once, synced before it counts, and removed whole when
 * the log has what is in it. A crash in between costs further copies of one file's blocks, which
 * readers of the log remove; never a block.
 */
import type { Block } from "../../domain/blocks.ts";
import { type Spool, type SpoolStats, SpoolUnavailableError } from "../../ports/spool.ts";
import { readFrames, toFrame } from "./frames.ts";
import type { SpoolFile, SpoolFolder } from "./spoolFolder.ts";

/** A file that has grown to this is closed; the unit in which the spool is drained. */
const SEGMENT_BYTES = 1_048_576;
/** One write and sync takes at most this of what waits, unless a single append is larger. */
const GROUP_BYTES_MAX = 4 * 1_048_576;
/** After a failed append the spool says for this long that it can take nothing, milliseconds. */
const UNREADY_AFTER_FAILURE_MS = 2_000;

const SEGMENT_NAME = /^(\d{12})\.spool$/;

export interface SegmentSpoolSettings {
  /** Most bytes of all files together. */
  readonly bytesMax: number;
  readonly nowMs: () => number;
}

interface Segment {
  readonly name: string;
  /** Bytes of whole, synced frames. */
  bytes: number;
  records: number;
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
  readonly #counts = { spooledRecords: 0, drainedRecords: 0, failedAppends: 0, damagedBytes: 0 };
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
  }

  /** Takes over what an earlier process left, up to a frame that its death tore. */
  static async open(folder: SpoolFolder, settings: SegmentSpoolSettings): Promise<SegmentSpool> {
    const spool = new SegmentSpool(folder, settings);
    for (const name of await folder.list()) {
      const number = SEGMENT_NAME.exec(name)?.[1];
      if (number === undefined) continue;
      spool.#nextNumber = Number(number) + 1;
      const bytes = await folder.read(name);
      const { blocks, damagedBytes } = readFrames(bytes);
      spool.#counts.damagedBytes += damagedBytes;
      if (blocks.length === 0) await folder.remove(name);
      else spool.#add({ name, bytes: bytes.length, records: blocks.length });
    }
    return spool;
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
      const [oldest] = this.#segments;
      if (oldest === undefined) return [];
      // Closed before it is read, so that nothing is added to what will be removed.
      if (oldest === this.#active?.segment) await this.#closeActive();
      try {
        const { blocks } = readFrames(await this.#folder.read(oldest.name));
        this.#peeked = oldest;
        return blocks;
      } catch (cause) {
        throw new SpoolUnavailableError("The spool cannot be read", { cause });
      }
    });
  }

  async release(): Promise<void> {
    return this.#exclusively(async () => {
      const released = this.#peeked;
      if (released === null || released !== this.#segments[0]) return;
      try {
        await this.#folder.remove(released.name);
      } catch (cause) {
        throw new SpoolUnavailableError("A drained file cannot be removed", { cause });
      }
      this.#peeked = null;
      this.#segments.shift();
      this.#grow({ bytes: -released.bytes, records: -released.records });
      this.#counts.drainedRecords += released.records;
    });
  }

  stats(): SpoolStats {
    return { bytes: this.#bytes, records: this.#records, ...this.#counts };
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
    await this.#exclusively(() => this.#closeActive());
  }

  #add(segment: Segment): void {
    this.#segments.push(segment);
    this.#grow(segment);
  }

  #grow({ bytes, records }: Pick<Segment, "bytes" | "records">): void {
    this.#bytes += bytes;
    this.#records += records;
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
      this.#grow({ bytes: bytes.length, records });
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
      const name = `${String(this.#nextNumber).padStart(12, "0")}.spool`;
      this.#nextNumber += 1;
      const segment = { name, bytes: 0, records: 0 };
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
    await this.#folder.remove(active.segment.name).catch(() => {});
  }
}
