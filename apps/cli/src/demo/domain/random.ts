/** Random numbers that are the same for the same seed, on every machine. */

export interface Random {
  /** From 0, inclusive, to 1, exclusive; 32 bits of it are random. */
  next(): number;
  /** A whole number from 0, inclusive, to `end`, exclusive. */
  below(end: number): number;
  chance(probability: number): boolean;
  /** @throws {RangeError} if the list is empty. */
  pick<Item>(list: readonly Item[]): Item;
}

/** sfc32 of PractRand (public domain), its state taken from the seed by FNV-1a. */
export function createRandom(seed: string): Random {
  let [a, b, c, d] = [hash(`${seed}/a`), hash(`${seed}/b`), hash(`${seed}/c`), 1];
  const bits = () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  // The first numbers still look like the seed.
  for (let round = 0; round < 15; round += 1) bits();

  const next = () => bits() / 2 ** 32;
  const below = (end: number) => Math.floor(next() * end);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick(list) {
      const item = list[below(list.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
  };
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value | 0;
}
