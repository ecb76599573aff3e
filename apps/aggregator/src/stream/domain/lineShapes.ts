import { type Expectation, LineIndex } from "@trueclick/shared/event/lineIndex";
import { dropShape, type LineShape, putShape } from "./shapeFields.ts";
import { FIELD_COUNT, FIELDS, isQuoted } from "./storedFields.ts";

/** How many shapes are known at a time: senders write a few. */
export const SHAPES_MAX = 16;
/** Lines of no known shape after which one is learnt in the place of another. */
const MISSES_MAX = 16;

/** A field that was read: its place, and its key's first special byte. */
export interface ReadField {
  readonly field: number;
  readonly key: number;
}

/**
 * The shapes of the lines that were read lately, one for each count of special bytes. Whether a
 * line has a shape is asked of all its keys at once, each byte of them, and of what stands between
 * them and the texts beside them.
 */
export class LineShapes {
  readonly index = new LineIndex();
  readonly #shapes: (LineShape | undefined)[] = [];
  readonly #slots: (number | undefined)[] = [];
  #misses = 0;
  #learnt = 0;

  /** The shape of the line that the index has looked at last, if it is known. */
  shapeOf(specials: number): LineShape | undefined {
    const shape = this.#shapes[specials];
    if (shape === undefined) return undefined;
    return this.index.matches(this.#slots[specials] ?? 0) ? shape : undefined;
  }

  /**
   * Whether to learn a line that has so many special bytes, and no shape that is known. Where that
   * would cost another its place, only one of many is learnt, since the rare may be as many.
   */
  isWanted(specials: number): boolean {
    this.#misses += 1;
    const isFree = this.#slots[specials] === undefined && this.#learnt < SHAPES_MAX;
    return isFree || this.#misses % MISSES_MAX === 0;
  }

  /** Learns the shape of a line that was read field by field. */
  learn(specials: number, fields: readonly ReadField[]): void {
    const slot = this.#slots[specials] ?? this.#nextSlot();
    this.index.expect(slot, fields.map(expectationOf));
    const shape = shapeOf(specials, fields);
    this.#slots[specials] = slot;
    this.#shapes[specials] = shape;
    putShape(this.index.front, slot, shape, this.index.expectationsOf(slot));
  }

  /** A free slot, or that of the shape which was learnt before all others. */
  #nextSlot(): number {
    const slot = this.#learnt % SHAPES_MAX;
    this.#learnt += 1;
    const former = this.#slots.indexOf(slot);
    if (former !== -1) {
      this.#slots[former] = undefined;
      this.#shapes[former] = undefined;
      dropShape(this.index.front, former);
    }
    return slot;
  }
}

/** A key, with what stands before it and the quote that begins a text behind it. */
function expectationOf({ field, key }: ReadField, at: number, fields: readonly ReadField[]) {
  const before = fields[at - 1];
  const endsText = before !== undefined && isQuoted(before.field) ? '"' : "";
  const lead = before === undefined ? "{" : `${endsText},`;
  const text = `${lead}"${FIELDS[field]?.name}":${isQuoted(field) ? '"' : ""}`;
  return { special: key, before: lead.length, text } satisfies Expectation;
}

function shapeOf(specials: number, fields: readonly ReadField[]): LineShape {
  const values = new Uint8Array(FIELD_COUNT);
  const nexts = new Uint8Array(FIELD_COUNT);
  for (const [at, { field, key }] of fields.entries()) {
    values[field] = isQuoted(field) ? key + 2 : key + 1;
    nexts[field] = fields[at + 1]?.key ?? specials - 1;
  }
  return { specials, values, nexts, lastField: fields.at(-1)?.field ?? 0 };
}

let shared: LineShapes | undefined;

/** The process's own: its partitions hear the same senders, and memory is short of addresses. */
export function sharedLineShapes(): LineShapes {
  shared ??= new LineShapes();
  return shared;
}
