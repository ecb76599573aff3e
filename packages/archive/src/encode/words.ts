/** Words of short lists, found by their bytes without making a string. */

interface KnownWord<Word extends string> {
  readonly word: Word;
  readonly bytes: Buffer;
  readonly place: number;
}

/** Words by length: there are few of each. */
export type WordTable<Word extends string> = readonly (readonly KnownWord<Word>[] | undefined)[];

export function wordTable<Word extends string>(words: readonly Word[]): WordTable<Word> {
  const table: KnownWord<Word>[][] = [];
  for (const [place, word] of words.entries()) {
    const bytes = Buffer.from(word);
    const sameLength = table[bytes.length] ?? [];
    sameLength.push({ word, bytes, place });
    table[bytes.length] = sameLength;
  }
  return table;
}

/** The word that lies between two places; undefined if it is none of the list. */
export function findWord<Word extends string>(
  table: WordTable<Word>,
  source: Buffer,
  start: number,
  end: number,
): Word | undefined {
  return find(table, source, start, end)?.word;
}

/** Its place in the list; -1 if it is none of it. */
export function findPlace<Word extends string>(
  table: WordTable<Word>,
  source: Buffer,
  start: number,
  end: number,
): number {
  return find(table, source, start, end)?.place ?? -1;
}

function find<Word extends string>(
  table: WordTable<Word>,
  source: Buffer,
  start: number,
  end: number,
): KnownWord<Word> | undefined {
  const sameLength = table[end - start];
  if (sameLength === undefined) return undefined;
  for (const known of sameLength) {
    if (isAt(known.bytes, source, start)) return known;
  }
  return undefined;
}

/** Whether a word lies at a place; one that would reach past the end does not. */
export function isAt(word: Buffer, source: Buffer, start: number): boolean {
  for (let at = 0; at < word.length; at += 1) {
    if (word[at] !== source[start + at]) return false;
  }
  return true;
}

/** A table with 1 for every byte that is one of the characters, all of them ASCII. */
export function byteClass(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte < 128 && characters.test(String.fromCharCode(byte)) ? 1 : 0,
  );
}
