import { type BlockReader, LINE } from "./blockReader.ts";
import type { CellKeys, Raise } from "./cellTable.ts";
import { CUBES } from "./cubes.ts";
import { EventHashes } from "./eventHashes.ts";
import { EventSpans } from "./eventSpans.ts";
import { type IdGroup, sharedIdGroup } from "./idGroup.ts";
import type { KnownCampaign } from "./knownCampaigns.ts";
import { LineColumns } from "./lineColumns.ts";
import { GROUP_LINES } from "./lineColumnsLayout.ts";
import type { OpenWindow } from "./openWindow.ts";
import { SpanHash } from "./spanHash.ts";
import { fieldAt } from "./storedFields.ts";

const EVENT_ID = fieldAt("event_id");

/** Ids and cells that a line adds, at most. */
export const ENTRIES_A_LINE = 1 + CUBES.length;

/** A line that was read ahead. Used again by every group. */
export class ReadLine {
  isEvent = false;
  readonly spans: EventSpans;
  readonly hashes: EventHashes;
  /** Null when it is closed, and the event late. */
  window: OpenWindow | null = null;
  campaign: KnownCampaign | null = null;
  /** Whether its window's set has said what its id is. */
  isAdmitted = false;

  constructor(spanHash: SpanHash, columns: LineColumns, line: number) {
    this.spans = new EventSpans(columns.spansOf(line));
    this.hashes = new EventHashes(spanHash, (field) => columns.nameOf(line, field));
  }
}

/**
 * Some lines of a block, read and hashed before any of them is counted. What counting them will look
 * at in tables that are larger than the caches is looked at for all of them first, so that the
 * processor waits for memory once a group rather than at every event. Nothing is changed by looking,
 * and what was seen is asked for again when it is counted: no result depends on it.
 */
export class EventGroup {
  readonly #lines: readonly ReadLine[];
  /** How many of the lines are of this group. */
  size = 0;
  /** Keys of the events' cells, `CUBES.length` a line. */
  readonly #keys: CellKeys = {
    campaignCubes: new Int32Array(GROUP_LINES * CUBES.length),
    values: new Int32Array(GROUP_LINES * CUBES.length),
    hashes: new Int32Array(GROUP_LINES * CUBES.length),
    seen: new Int32Array(GROUP_LINES * CUBES.length),
  };
  /** The ids of the lines, by line. */
  readonly ids: IdGroup;
  readonly #columns: LineColumns;

  constructor(key: Int32Array) {
    const spanHash = new SpanHash(key);
    this.ids = sharedIdGroup(key);
    const columns = new LineColumns(this.ids, spanHash.factors);
    this.#columns = columns;
    this.#lines = Array.from({ length: GROUP_LINES }, (_none, line) => {
      return new ReadLine(spanHash, columns, line);
    });
  }

  /** Reads lines until there are so many that are not empty, or no more. */
  read(reader: BlockReader, linesMax: number): void {
    this.size = 0;
    while (this.size < linesMax && !reader.isAtEnd) {
      const from = this.size;
      this.size = reader.readColumns(this.#columns, from, linesMax);
      for (let line = from; line < this.size; line += 1) this.#finish(reader, line);
      if (this.size < linesMax && !reader.isAtEnd) this.#readOne(reader);
    }
    this.ids.hash(this.size);
  }

  at(line: number): ReadLine {
    return this.#lines[line] ?? noLine();
  }

  /**
   * Admits the ids of all events that may be counted to the sets of their windows, in order. Nothing else changes
   * these sets before the events are counted.
   */
  admitIds(): void {
    const { size } = this;
    for (let at = 0; at < size; at += 1) this.at(at).isAdmitted = false;
    for (let at = 0; at < size; at += 1) {
      const { window, isAdmitted } = this.at(at);
      if (window !== null && !isAdmitted) window.ids.admit(this.#listIdsOf(window, at));
    }
  }

  /** Lists the ids of a window's lines from there on, and says how many there are. */
  #listIdsOf(window: OpenWindow, from: number): number {
    const { size } = this;
    let count = 0;
    for (let at = from; at < size; at += 1) {
      const line = this.at(at);
      if (line.window !== window) continue;
      line.isAdmitted = true;
      this.ids.list(count, at, line.hashes.payload(line.spans));
      count += 1;
    }
    return count;
  }

  /** Looks for the first cubes' cells of all events that may be counted. */
  lookAhead(cubes: number): void {
    this.#lookForValues();
    this.#internValues(cubes);
    const { size } = this;
    const keys = this.#keys;
    for (let at = 0; at < size; at += 1) {
      const from = at * CUBES.length;
      this.at(at).window?.cells.lookAhead(keys, from, from + cubes);
    }
  }

  /** Raises the first cubes' cells of a line that was looked at ahead. */
  raise(line: number, cubes: number, { cells }: OpenWindow, raise: Raise): void {
    const from = line * CUBES.length;
    cells.raise(this.#keys, from, from + cubes, raise);
  }

  /** Reads the next line, whatever it is; an empty one is passed over. */
  #readOne(reader: BlockReader): void {
    const line = this.at(this.size);
    reader.readInto(line.spans);
    const kind = reader.next();
    if (kind === LINE.empty) return;
    line.isEvent = kind === LINE.event;
    if (line.isEvent) this.#take(line, this.size);
    this.size += 1;
  }

  /** What columns do not say of a line. */
  #finish(reader: BlockReader, at: number): void {
    const line = this.at(at);
    line.isEvent = true;
    if (this.#columns.finish(at, line.spans, reader.index)) return;
    const [start, feed] = this.#columns.boundsOf(at);
    reader.readInto(line.spans);
    line.isEvent = reader.parse(start, feed) === LINE.event;
    if (line.isEvent) this.#take(line, at);
  }

  #take({ hashes, spans }: ReadLine, at: number): void {
    const { view, starts, ends } = spans;
    this.ids.setText(at, view, starts[EVENT_ID] ?? 0, ends[EVENT_ID] ?? 0);
    hashes.take(spans);
  }

  /** Of the dimensions, those whose values are too many for the nearest cache. */
  #lookForValues(): void {
    const { size } = this;
    let seen = 0;
    for (let at = 0; at < size; at += 1) {
      const { window, hashes } = this.at(at);
      if (window === null) continue;
      seen ^= window.values.look(hashes.ad.hash) ^ window.values.look(hashes.publisher.hash);
    }
    this.#keys.seen[0] = seen;
  }

  #internValues(cubes: number): void {
    const { size } = this;
    const { campaignCubes, values } = this.#keys;
    for (let at = 0; at < size; at += 1) {
      const { window, campaign, hashes, spans } = this.at(at);
      // What the keys say of other lines is of events before, and asked by nobody.
      if (window === null || campaign === null) continue;
      const from = at * CUBES.length;
      for (let cube = 0; cube < cubes; cube += 1) {
        campaignCubes[from + cube] = campaign.index * CUBES.length + cube;
        values[from + cube] = window.values.intern(spans.view, hashes.cubes[cube] ?? hashes.ad);
      }
    }
  }
}

let latest: { readonly key: Int32Array; readonly group: EventGroup } | undefined;

/**
 * The group of those who have that key, which a process has one of. It may be shared by all who are
 * done with it before they let others run: what its lines are views of lies in one memory anyway.
 */
export function sharedEventGroup(key: Int32Array): EventGroup {
  if (latest === undefined || latest.key.some((word, at) => word !== key[at])) {
    latest = { key: key.slice(), group: new EventGroup(key) };
  }
  return latest.group;
}

function noLine(): never {
  throw new RangeError("A group has no such line");
}
