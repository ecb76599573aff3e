import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HASH_KEY } from "../testing/fixtures.ts";
import { ID_WORDS, IdGroup } from "./idGroup.ts";
import { GROUP_IDS_MAX } from "./idGroupModule.ts";
import { IdSet } from "./idSet.ts";
import { CONFLICT, DUPLICATE, FIRST } from "./idSetLayout.ts";
import { IdStore } from "./idStore.ts";
import { IdHash } from "./spanHash.ts";

type Words = readonly [number, number, number, number];

/** Few, so that they meet; zeros, which a free slot looks like, among them. */
const word = fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000);
/** Of the last word the set keeps the upper eight bits. */
const lastWord = fc.constantFrom(0, 0x01000000, -1, 0x7fffffff, -0x80000000);
const id = fc.tuple(word, word, word, lastWord);
const admission = fc.record({ words: id, payload: fc.constantFrom(1, 3) });

const group = new IdGroup(HASH_KEY);

/** Admits all, so many at once. */
function admitAll(
  set: IdSet,
  count: number,
  at: (place: number) => { readonly words: Words; readonly payload: number },
  groupIds = GROUP_IDS_MAX,
): number[] {
  const answers: number[] = [];
  for (let from = 0; from < count; from += groupIds) {
    const some = Math.min(groupIds, count - from);
    // Listed from the last on, so that a place in the list is not one in the group.
    for (let place = 0; place < some; place += 1) {
      const { words, payload } = at(from + place);
      const own = some - 1 - place;
      group.words.set(words, ID_WORDS * own);
      group.list(place, own, payload);
    }
    set.admit(some);
    for (let place = 0; place < some; place += 1) {
      answers.push(group.answers[some - 1 - place] ?? -1);
    }
  }
  return answers;
}

const SERIALS = 250_000;

const hash = new IdHash(HASH_KEY);
const serialBytes = new DataView(new ArrayBuffer(4));

function hashOf(serial: number): Words {
  serialBytes.setInt32(0, serial);
  hash.hash(serialBytes, 0, 4);
  return [hash.word0, hash.word1, hash.word2, hash.word3];
}

describe("the id set", () => {
  it("says of each id what a map would, whatever its bits and however many come at once", () => {
    const admissions = fc.array(admission, { size: "+1" });
    fc.assert(
      fc.property(admissions, fc.integer({ min: 1, max: GROUP_IDS_MAX }), (all, groupIds) => {
        const set = new IdSet(new IdStore(group));
        const first = new Map<string, number>();
        const expected = all.map(({ words, payload }) => {
          const key = words.join();
          const known = first.get(key);
          if (known === undefined) first.set(key, payload);
          if (known === undefined) return FIRST;
          return known === payload ? DUPLICATE : CONFLICT;
        });
        const at = (place: number) => all[place] ?? { words: [0, 0, 0, 0] as const, payload: 1 };
        expect(admitAll(set, all.length, at, groupIds)).toEqual(expected);
        expect(set.size).toBe(first.size);
      }),
    );
  });

  it("loses none when it grows, though all of them crowd at one place or at the end", () => {
    for (const home of [0, -1]) {
      const set = new IdSet(new IdStore(group));
      const at = (serial: number) => ({ words: [home, serial, 0, 0] as const, payload: 1 });
      const CROWD = 5_000;
      expect(admitAll(set, CROWD, at).every((answer) => answer === FIRST)).toBe(true);
      expect(admitAll(set, CROWD, at).every((answer) => answer === DUPLICATE)).toBe(true);
      expect(set.size).toBe(CROWD);
    }
  });

  it("refuses, rather than forgets, more ids whose hashes begin alike than it can tell apart", () => {
    const set = new IdSet(new IdStore(group));
    const at = (serial: number) => ({
      words: [7, Math.imul(serial, 0x9e3779b1), serial, 0] as const,
      payload: 1,
    });
    expect(() => admitAll(set, 17_000, at)).toThrow(RangeError);
  });

  it("takes at most 33 bytes an id, 26 in the mean, once it holds some", () => {
    const set = new IdSet(new IdStore(group));
    const bytes: number[] = [];
    for (let from = 0; from < SERIALS; from += 500) {
      admitAll(set, 500, (place) => ({ words: hashOf(from + place), payload: 1 }));
      if (from > 10_000) bytes.push(set.byteLength / set.size);
    }
    expect(set.size).toBe(SERIALS);
    expect(bytes.reduce((worst, each) => Math.max(worst, each), 0)).toBeLessThan(33);
    expect(bytes.reduce((sum, each) => sum + each, 0) / bytes.length).toBeLessThan(26);
  });

  it("finds all ids again after its tables were split", () => {
    const set = new IdSet(new IdStore(group));
    const payloadOf = (serial: number) => (serial % 2 === 0 ? 1 : 3);
    admitAll(set, SERIALS, (serial) => ({ words: hashOf(serial), payload: 1 }));
    const again = admitAll(set, SERIALS, (serial) => ({
      words: hashOf(serial),
      payload: payloadOf(serial),
    }));
    const counts = [FIRST, DUPLICATE, CONFLICT].map(
      (answer) => again.filter((each) => each === answer).length,
    );
    expect(counts).toEqual([0, SERIALS / 2, SERIALS / 2]);
  });
});

describe("a store of sets", () => {
  /** Sets of so many ids lie in a nook, in a table that grows, in one that is whole, in many. */
  const size = fc.constantFrom(1, 60, 700, 1_000, 5_000, 20_000);
  const window = fc.record({ size, open: fc.nat({ max: 3 }) });

  it("lets no set see what others have, or have had, where it lies", () => {
    fc.assert(
      fc.property(fc.array(window, { minLength: 2, maxLength: 8 }), (windows) => {
        const store = new IdStore(group);
        const open: { readonly set: IdSet; readonly size: number }[] = [];
        const admitted = (set: IdSet, count: number) =>
          admitAll(set, count, (place) => ({ words: hashOf(place), payload: 1 }));
        const isAll = (answers: readonly number[], answer: number) =>
          answers.every((each) => each === answer);
        for (const { size, open: openMax } of windows) {
          const set = new IdSet(store);
          expect(isAll(admitted(set, size), FIRST)).toBe(true);
          open.push({ set, size });
          for (const other of open) {
            expect(isAll(admitted(other.set, other.size), DUPLICATE)).toBe(true);
            expect(other.set.size).toBe(other.size);
          }
          while (open.length > openMax) open.shift()?.set.giveBack();
        }
      }),
      { numRuns: 40 },
    );
  });

  it("takes no more memory for windows that follow one another", () => {
    const store = new IdStore(group);
    const bytesAfter = () => {
      const set = new IdSet(store);
      admitAll(set, 30_000, (place) => ({ words: hashOf(place), payload: 1 }));
      const bytes = set.byteLength + store.freeBytes;
      set.giveBack();
      return bytes;
    };
    const once = bytesAfter();
    expect([bytesAfter(), bytesAfter(), bytesAfter()]).toEqual([once, once, once]);
    expect(store.isMostlyEmpty).toBe(false);
  });

  it("is left by new windows once it is large and mostly empty", () => {
    const store = new IdStore(group);
    const [large, small] = [new IdSet(store), new IdSet(store)];
    admitAll(large, SERIALS, (place) => ({ words: hashOf(place), payload: 1 }));
    admitAll(small, 1_000, (place) => ({ words: hashOf(place), payload: 1 }));
    expect(store.isMostlyEmpty).toBe(false);
    large.giveBack();
    expect(store.isMostlyEmpty).toBe(true);
    const again = admitAll(small, 1_000, (place) => ({ words: hashOf(place), payload: 1 }));
    expect(again.every((answer) => answer === DUPLICATE)).toBe(true);
  });

  it("refuses ids for a set that was given back", () => {
    const set = new IdSet(new IdStore(group));
    set.giveBack();
    expect(() => admitAll(set, 1, () => ({ words: hashOf(1), payload: 1 }))).toThrow(RangeError);
  });
});

describe("a group of ids", () => {
  it("hashes texts of any length as one by one, whatever lies around them", () => {
    const text = fc.uint8Array({ maxLength: 70 });
    const texts = fc.array(text, { minLength: 1, maxLength: GROUP_IDS_MAX });
    const around = fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }));
    fc.assert(
      fc.property(texts, around, (all, [before, behind]) => {
        for (const [at, bytes] of all.entries()) {
          const whole = new DataView(Uint8Array.of(...before, ...bytes, ...behind).buffer);
          group.setText(at, whole, before.length, before.length + bytes.length);
        }
        group.hash(all.length);
        const expected = all.flatMap((bytes) => {
          hash.hash(new DataView(bytes.slice().buffer), 0, bytes.length);
          return [hash.word0, hash.word1, hash.word2, hash.word3];
        });
        expect([...group.words.subarray(0, ID_WORDS * all.length)]).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
