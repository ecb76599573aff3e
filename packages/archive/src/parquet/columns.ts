/** Columns of a row group while it fills. Each ends as the pages that `parquetFile.ts` writes. */
import { ByteBuffer } from "./byteBuffer.ts";
import { bitWidth, writeDeltas, writeHybrid } from "./encodings.ts";
import { bytes, float64s, uint32s } from "./numbers.ts";
import { TextDictionary } from "./textDictionary.ts";

/** The numbers that Parquet gives them. */
export const ENCODING = { plain: 0, rle: 3, delta: 5, dictionary: 8 } as const;

/** What a column holds, uncompressed. Views: only good until it is cleared or added to. */
export interface ColumnContent {
  readonly encoding: number;
  /** Definition levels, when not every row has a value; null for a required column. */
  readonly levels: Buffer | null;
  readonly values: Buffer;
  readonly dictionary: { readonly entries: number; readonly values: Buffer } | null;
  /** Least and greatest value, for columns that readers skip by. */
  readonly range: readonly [bigint, bigint] | null;
}

export interface Column {
  addNull(): void;
  content(): ColumnContent;
  clear(): void;
}

/** Which rows have a value. */
class Presence {
  readonly #isOptional: boolean;
  readonly #levels = bytes();
  readonly #encoded = new ByteBuffer();

  constructor(isOptional: boolean) {
    this.#isOptional = isOptional;
  }

  add(level: 0 | 1): void {
    if (this.#isOptional) this.#levels.push(level);
    else if (level === 0) throw new RangeError("a required column has no nulls");
  }

  encoded(): Buffer | null {
    if (!this.#isOptional) return null;
    this.#encoded.clear();
    writeHybrid(this.#encoded, this.#levels, 1);
    return this.#encoded.view();
  }

  clear(): void {
    this.#levels.clear();
  }
}

/** Strings and bytes: each different value once while there are few, else one after the other. */
export class TextColumn implements Column {
  readonly #presence: Presence;
  readonly #plain = new ByteBuffer();
  readonly #encoded = new ByteBuffer();
  readonly #indexes = uint32s();
  readonly #dictionary: TextDictionary | null;
  #isPlain: boolean;

  /** @param repeats Whether values are expected to come again and again. */
  constructor(isOptional: boolean, repeats: boolean) {
    this.#presence = new Presence(isOptional);
    this.#dictionary = repeats ? new TextDictionary() : null;
    this.#isPlain = !repeats;
  }

  add(source: Buffer, start: number, end: number): void {
    this.#presence.add(1);
    if (this.#dictionary !== null && !this.#isPlain) {
      const index = this.#dictionary.indexOf(source, start, end);
      if (index !== null) {
        this.#indexes.push(index);
        return;
      }
      this.#leaveDictionary(this.#dictionary);
    }
    this.#plain.prefixed(source, start, end);
  }

  addNull(): void {
    this.#presence.add(0);
  }

  content(): ColumnContent {
    const levels = this.#presence.encoded();
    const dictionary = this.#dictionary;
    // A dictionary that hardly anything repeats costs more than it saves.
    if (dictionary !== null && !this.#isPlain && dictionary.size * 2 > this.#indexes.length) {
      this.#leaveDictionary(dictionary);
    }
    if (dictionary === null || this.#isPlain) {
      const values = this.#plain.view();
      return { encoding: ENCODING.plain, levels, values, dictionary: null, range: null };
    }
    const width = bitWidth(dictionary.size - 1);
    this.#encoded.clear();
    this.#encoded.byte(width);
    writeHybrid(this.#encoded, this.#indexes, width);
    return {
      encoding: ENCODING.dictionary,
      levels,
      values: this.#encoded.view(),
      dictionary: { entries: dictionary.size, values: dictionary.plainValues() },
      range: null,
    };
  }

  clear(): void {
    this.#presence.clear();
    this.#plain.clear();
    this.#indexes.clear();
    this.#dictionary?.clear();
    this.#isPlain = this.#dictionary === null;
  }

  #leaveDictionary(dictionary: TextDictionary): void {
    for (let at = 0; at < this.#indexes.length; at += 1) {
      dictionary.copyTo(this.#plain, this.#indexes.at(at));
    }
    this.#isPlain = true;
  }
}

/** Two values further apart are not written as a sequence. */
const DELTA_RANGE_MAX = 2 ** 31 - 1;

/** Whole numbers of 32 or 64 bits; as Numbers, relative to a base where they may be larger. */
export class IntColumn implements Column {
  readonly #presence: Presence;
  readonly #values = float64s();
  readonly #encoded = new ByteBuffer();
  readonly #width: 32 | 64;
  readonly #hasRange: boolean;
  #base = 0n;

  constructor(isOptional: boolean, width: 32 | 64, hasRange: boolean) {
    this.#presence = new Presence(isOptional);
    this.#width = width;
    this.#hasRange = hasRange;
  }

  /** Makes all values relative to it. Before the first one. */
  setBase(base: bigint): void {
    this.#base = base;
  }

  /** @param value A safe integer. */
  add(value: number): void {
    this.#presence.add(1);
    this.#values.push(value);
  }

  addNull(): void {
    this.#presence.add(0);
  }

  content(): ColumnContent {
    const values = this.#values;
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < values.length; at += 1) {
      least = Math.min(least, values.at(at));
      greatest = Math.max(greatest, values.at(at));
    }
    const isSequence = values.length > 0 && greatest - least <= DELTA_RANGE_MAX;
    this.#encoded.clear();
    if (isSequence) writeDeltas(this.#encoded, values, this.#base);
    else this.#writePlain();
    const hasRange = this.#hasRange && values.length > 0;
    return {
      encoding: isSequence ? ENCODING.delta : ENCODING.plain,
      levels: this.#presence.encoded(),
      values: this.#encoded.view(),
      dictionary: null,
      range: hasRange ? [this.#base + BigInt(least), this.#base + BigInt(greatest)] : null,
    };
  }

  clear(): void {
    this.#presence.clear();
    this.#values.clear();
    this.#base = 0n;
  }

  #writePlain(): void {
    for (let at = 0; at < this.#values.length; at += 1) {
      const value = this.#values.at(at);
      if (this.#width === 32) this.#encoded.uint32(value >>> 0);
      else this.#encoded.int64(this.#base + BigInt(value));
    }
  }
}

/** Yes and no, a bit each. */
export class BoolColumn implements Column {
  readonly #presence: Presence;
  readonly #values = bytes();
  readonly #encoded = new ByteBuffer();

  constructor(isOptional: boolean) {
    this.#presence = new Presence(isOptional);
  }

  add(value: boolean): void {
    this.#presence.add(1);
    this.#values.push(value ? 1 : 0);
  }

  addNull(): void {
    this.#presence.add(0);
  }

  content(): ColumnContent {
    this.#encoded.clear();
    for (let start = 0; start < this.#values.length; start += 8) {
      let eight = 0;
      for (let bit = 0; bit < 8 && start + bit < this.#values.length; bit += 1) {
        eight |= this.#values.at(start + bit) << bit;
      }
      this.#encoded.byte(eight);
    }
    return {
      encoding: ENCODING.plain,
      levels: this.#presence.encoded(),
      values: this.#encoded.view(),
      dictionary: null,
      range: null,
    };
  }

  clear(): void {
    this.#presence.clear();
    this.#values.clear();
  }
}

/** Values of one length. */
export class FixedColumn implements Column {
  readonly #presence: Presence;
  readonly #values = new ByteBuffer();
  readonly #length: number;

  constructor(isOptional: boolean, length: number) {
    this.#presence = new Presence(isOptional);
    this.#length = length;
  }

  /** @param text One character below 256 a byte; longer ones are cut. */
  add(text: string): void {
    this.#presence.add(1);
    this.#values.latin1(text.slice(0, this.#length));
  }

  addNull(): void {
    this.#presence.add(0);
  }

  content(): ColumnContent {
    return {
      encoding: ENCODING.plain,
      levels: this.#presence.encoded(),
      values: this.#values.view(),
      dictionary: null,
      range: null,
    };
  }

  clear(): void {
    this.#presence.clear();
    this.#values.clear();
  }
}
