/**
 * Beginnings of genuine tokens and where the hash stands after them, found again by their bytes
 * without a string being made of them. They lie one behind the other in the memory of the hash, so
 * that finding one touches few lines of the processor's cache. All keyrings share the places; each
 * finds its own only.
 */
import { KEPT_WORDS, keptWords, message, messageWords } from "../sha256/hmacSha256.ts";
import type { AdClaims } from "./claims.ts";

/** A place: what the hash keeps, whose it is, the length in bytes, the bytes. */
const PLACE_WORDS = 144;
const OWNER_AT = KEPT_WORDS;
const LENGTH_AT = OWNER_AT + 1;
const BYTES_AT = LENGTH_AT + 1;
/** Longer beginnings are worked out anew each time. */
const LENGTH_MAX = 4 * (PLACE_WORDS - BYTES_AT);
const PLACES = Math.floor(keptWords.length / PLACE_WORDS);
/** Places that a beginning may lie in; when they are taken, the first one goes. */
const TRIES = 4;

/** What belongs to a beginning that was found. */
export interface KnownHead {
  readonly ad: AdClaims;
  /** Where the hash goes on from, in `keptWords`. */
  readonly keptAt: number;
}

/** The first place is for a beginning that is not known to be genuine yet. */
const UNPROVEN_PLACE = 0;
export const UNPROVEN_AT = UNPROVEN_PLACE * PLACE_WORDS;
let owners = 0;

export class HeadCache {
  readonly #owner: number;
  readonly #heads: (KnownHead | undefined)[] = Array.from({ length: PLACES }, () => undefined);

  constructor() {
    owners += 1;
    this.#owner = owners;
  }

  /** The place of the beginning that stands in the first `length` bytes of `message`, or -1. */
  find(length: number): number {
    if (length > LENGTH_MAX) return -1;
    const first = hashOf(length);
    for (let step = 0; step < TRIES; step += 1) {
      const place = placeOf(first + step);
      if (holds(place, this.#owner, length)) return place;
    }
    return -1;
  }

  /** @param place As `find` gave it. */
  at(place: number): KnownHead | undefined {
    return this.#heads[place];
  }

  /**
   * Remembers the beginning that stands in the first `length` bytes of `message`, and after which
   * the hash goes on from `UNPROVEN_AT`.
   */
  add(length: number, ad: AdClaims): void {
    if (length > LENGTH_MAX) return;
    const first = hashOf(length);
    let place = placeOf(first);
    for (let step = TRIES - 1; step > 0; step -= 1) {
      const next = placeOf(first + step);
      if (keptWords[next * PLACE_WORDS + OWNER_AT] !== this.#owner) place = next;
    }
    const at = place * PLACE_WORDS;
    keptWords.copyWithin(at, UNPROVEN_AT, UNPROVEN_AT + OWNER_AT);
    keptWords[at + OWNER_AT] = this.#owner;
    keptWords[at + LENGTH_AT] = length;
    // The last word may take in bytes behind the beginning: zeros, put there before.
    message.fill(0, length, length + 4);
    keptWords.set(messageWords.subarray(0, (length + 3) >> 2), at + BYTES_AT);
    this.#heads[place] = { ad, keptAt: at };
  }
}

/** Whether it does is no secret, so the first difference ends the comparison. */
function holds(place: number, owner: number, length: number): boolean {
  const [kept, given] = [keptWords, messageWords];
  const at = place * PLACE_WORDS;
  if (kept[at + OWNER_AT] !== owner || kept[at + LENGTH_AT] !== length) return false;
  const words = length >> 2;
  for (let index = 0; index < words; index += 1) {
    if (kept[at + BYTES_AT + index] !== given[index]) return false;
  }
  const rest = length & 3;
  if (rest === 0) return true;
  const difference = (kept[at + BYTES_AT + words] ?? 0) ^ (given[words] ?? 0);
  return difference << (32 - 8 * rest) === 0;
}

function placeOf(hash: number): number {
  return 1 + (hash % (PLACES - 1));
}

/**
 * From the length, the last words and some in between; 30 bits, which V8 keeps without an object.
 * Beginnings that agree in those share their places, which costs time and no more.
 */
function hashOf(length: number): number {
  const words = messageWords;
  const last = length >> 2;
  const step = (last >> 3) + 1;
  let even = 0x811c9dc5 ^ length;
  let odd = words[last - 1] ?? 0;
  for (let index = step; index < last; index += step) {
    even = Math.imul(even ^ (words[index] ?? 0), 0x01000193);
    odd = Math.imul(odd ^ (words[index - 1] ?? 0), 0x01000193);
  }
  const hash = even ^ Math.imul(odd, 0x85ebca6b);
  return (hash ^ (hash >>> 15)) >>> 2;
}
