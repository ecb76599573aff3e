import fc from "fast-check";
import { expect, it } from "vitest";
import { CellTable, COUNT, halved, type Raise } from "./cellTable.ts";

const COUNTS = Object.values(COUNT);

interface Change {
  readonly campaignCube: number;
  readonly value: number;
  readonly count: number;
  readonly cost: bigint | null;
  readonly isMarked: boolean;
}

/** A table, and beside it what it should hold, in maps. */
class WatchedTable {
  readonly table = new CellTable();
  readonly #cells = new Map<string, { counts: number[]; costMicros: bigint }>();
  readonly #marked = new Map<string, number>();

  raise({ campaignCube, value, count, cost, isMarked }: Change, record: number): void {
    const costOfRaise = cost === null ? null : halved(cost);
    raiseOne(this.table, campaignCube, value, {
      ...{ count, cost: costOfRaise, record: isMarked ? record : 0 },
    });
    const key = `${campaignCube}/${value}`;
    const cell = this.#cells.get(key) ?? { counts: COUNTS.map(() => 0), costMicros: 0n };
    this.#cells.set(key, cell);
    cell.counts[count] = (cell.counts[count] ?? 0) + 1;
    cell.costMicros += cost ?? 0n;
    if (isMarked) this.#marked.set(key, record);
    const { size, changes } = this.table;
    expect([size, changes]).toEqual([this.#cells.size, this.#marked.size]);
  }

  take(): void {
    const taken = this.table.takeChanges();
    const found = Array.from({ length: taken.length }, (_none, cell) => {
      const key = `${taken.campaignCube(cell)}/${taken.value(cell)}`;
      const counts = COUNTS.map((count) => taken.count(cell, count));
      return [key, { record: taken.record(cell), counts, costMicros: taken.costMicros(cell) }];
    });
    const expected = Array.from(this.#marked, ([key, record]) => {
      return [key, { record, ...this.#cells.get(key) }];
    });
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    expect(found.length).toBe(expected.length);
    this.#marked.clear();
  }
}

/** Adds to the cell of one key as the engine does, the key among others. */
function raiseOne(table: CellTable, campaignCube: number, value: number, raise: Raise): void {
  const keys = {
    campaignCubes: Int32Array.of(0, campaignCube),
    values: Int32Array.of(0, value),
    hashes: new Int32Array(2),
    seen: new Int32Array(2),
  };
  table.lookAhead(keys, 1, 2);
  table.raise(keys, 1, 2, raise);
}

it("keeps counts and exact costs apart by key, and hands over those that were changed since", () => {
  const change = fc.record({
    campaignCube: fc.nat({ max: 90 }),
    value: fc.nat({ max: 3 }),
    count: fc.constantFrom(...COUNTS),
    cost: fc.option(fc.bigInt({ min: -(2n ** 40n), max: 2n ** 55n })),
    isMarked: fc.boolean(),
  });
  /** Some are followed by a hand-over. */
  const isTaken = fc.nat({ max: 40 }).map((chance) => chance === 0);
  fc.assert(
    fc.property(fc.array(fc.tuple(change, isTaken), { maxLength: 400 }), (changes) => {
      const watched = new WatchedTable();
      for (const [at, [one, isLast]] of changes.entries()) {
        watched.raise(one, at + 1);
        if (isLast) watched.take();
      }
      watched.take();
    }),
  );
});

it("finds all cells again after it has grown many times", () => {
  const table = new CellTable();
  const cells = 20_000;
  for (const record of [1, 2]) {
    for (let cell = 0; cell < cells; cell += 1) {
      const raise = { count: COUNT.clicks, cost: null, record };
      raiseOne(table, cell % 400, Math.floor(cell / 400), raise);
    }
  }
  const taken = table.takeChanges();
  expect([table.size, taken.length]).toEqual([cells, cells]);
  const seen = new Set<number>();
  for (let cell = 0; cell < cells; cell += 1) {
    expect([taken.count(cell, COUNT.clicks), taken.record(cell)]).toEqual([2, 2]);
    seen.add(400 * taken.value(cell) + taken.campaignCube(cell));
  }
  expect(seen.size).toBe(cells);
});
