import { EVENT_FLAGS, type EventFlag } from "@trueclick/shared/event/stored";
import { quickVerdict, type Verdict } from "@trueclick/shared/verdict";
import { BytePattern } from "./bytePattern.ts";

const FLAGS: ReadonlyMap<unknown, EventFlag> = new Map(EVENT_FLAGS.map((word) => [word, word]));

/** Spellings of flag lists that are remembered. The edge writes some ten; more are parsed anew. */
const SPELLINGS_MAX = 64;
const SPELLING_LENGTH_MAX = 256;

const OPEN = 0x5b;
const CLOSE = 0x5d;

/** What an event with these flags is, for every other fact that the quick verdict looks at. */
export interface FlagSet {
  readonly flags: readonly EventFlag[];
  readonly ofKnownCampaign: Verdict;
  readonly ofUnknownCampaign: Verdict;
}

export function flagSetOf(flags: readonly EventFlag[]): FlagSet {
  return {
    flags,
    ofKnownCampaign: quickVerdict({ test: false, campaignKnown: true, flags }),
    ofUnknownCampaign: quickVerdict({ test: false, campaignKnown: false, flags }),
  };
}

/** Of a test event, whatever its flags. */
export const TEST_VERDICT = quickVerdict({ test: true, campaignKnown: true, flags: [] });

interface Spelling {
  readonly pattern: BytePattern;
  readonly flagSet: FlagSet;
}

const NONE = flagSetOf([]);
const latin1 = new TextDecoder("latin1");

/** Flag lists by how they are spelled in JSON, so that each spelling is parsed once. */
export class FlagSets {
  readonly #spellings: Spelling[] = [];
  #last: Spelling | null = null;
  /** Of the list last found. */
  found: FlagSet = NONE;

  /** Where the list at `at` ends, its flags in `found`; -1 where it is not plainly one. */
  endOf(bytes: Uint8Array, view: DataView, at: number): number {
    if (bytes[at] === OPEN && bytes[at + 1] === CLOSE) {
      this.found = NONE;
      return at + 2;
    }
    const last = this.#last;
    if (last?.pattern.isAt(view, at)) {
      this.found = last.flagSet;
      return at + last.pattern.length;
    }
    const spelling =
      this.#spellings.find(({ pattern }) => pattern.isAt(view, at)) ?? this.#learn(bytes, at);
    if (spelling === null) return -1;
    this.#last = spelling;
    this.found = spelling.flagSet;
    return at + spelling.pattern.length;
  }

  #learn(bytes: Uint8Array, at: number): Spelling | null {
    if (this.#spellings.length >= SPELLINGS_MAX) return null;
    const end = bytes.subarray(at, at + SPELLING_LENGTH_MAX).indexOf(CLOSE);
    if (end === -1) return null;
    const text = latin1.decode(bytes.subarray(at, at + end + 1));
    // An empty list with one space in or before it: the plain parser reads it.
    if (text.length < BytePattern.LENGTH_MIN) return null;
    const flags = parseFlags(text);
    if (flags === null) return null;
    const spelling = { pattern: new BytePattern(text), flagSet: flagSetOf(flags) };
    this.#spellings.push(spelling);
    return spelling;
  }
}

/** A list that ends before its first closing bracket is no JSON: such a text is not plain. */
function parseFlags(text: string): EventFlag[] | null {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  const flags = list.map((word) => FLAGS.get(word)).filter((flag) => flag !== undefined);
  // An escape may spell a flag too, beyond ASCII or not; the plain parser reads those.
  return flags.length === list.length && /^[ -~]*$/.test(text) ? flags : null;
}
