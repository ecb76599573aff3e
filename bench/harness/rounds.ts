/**
 * Contestants do the same work in turn, round after round, so that a machine which slows down slows
 * all of them; ratios are taken within a round, where the machine was most alike.
 */
import { type Spread, spreadOf } from "./statistics.ts";

/** What one round of one contestant measured, by name with the unit last: `events_per_s`. */
export type Figures = Readonly<Record<string, number>>;

export interface Contestant {
  readonly name: string;
  /** Does the work once, from scratch. */
  run(): Promise<Figures>;
}

export interface Standing {
  readonly name: string;
  /** Every round's figures, in order; the warm-up is left out. */
  readonly rounds: readonly Figures[];
}

export interface RoundOptions {
  /** Counted rounds; 5 at least where a figure is quoted. */
  readonly rounds: number;
  /** Rounds before that, thrown away. */
  readonly warmups: number;
  /** Told of each run, counted or not. */
  readonly report?: (name: string, figures: Figures) => void;
  /** Whether a contestant that failed is out from then on; else its error ends the competition. */
  readonly isOut?: (name: string, error: unknown) => boolean;
}

/** Runs all contestants interleaved: A B C, A B C, … Answers without those that are out. */
export async function compete(
  contestants: readonly Contestant[],
  { rounds, warmups, report, isOut }: RoundOptions,
): Promise<Standing[]> {
  let left = contestants.map((contestant) => ({ contestant, counted: [] as Figures[] }));
  for (let round = 0; round < warmups + rounds; round += 1) {
    for (const one of left) {
      const { name } = one.contestant;
      try {
        const figures = await one.contestant.run();
        report?.(name, figures);
        if (round >= warmups) one.counted.push(figures);
      } catch (error) {
        if (isOut?.(name, error) !== true) throw error;
        left = left.filter((other) => other !== one);
      }
    }
  }
  return left.map(({ contestant, counted }) => ({ name: contestant.name, rounds: counted }));
}

/** One figure of a contestant over its rounds. @throws {RangeError} if it was not measured. */
export function figureOf(standing: Standing, figure: string): Spread {
  return spreadOf(standing.rounds.map((round) => figureIn(standing, round, figure)));
}

/** `a` as a multiple of `b`, round by round. @throws {RangeError} if it was not measured. */
export function ratioOf(a: Standing, b: Standing, figure: string): Spread {
  return spreadOf(
    a.rounds.map((round, at) => {
      const other = b.rounds[at];
      if (other === undefined) throw new RangeError(`${b.name} has no round ${at}`);
      return figureIn(a, round, figure) / figureIn(b, other, figure);
    }),
  );
}

function figureIn({ name }: Standing, round: Figures, figure: string): number {
  const value = round[figure];
  if (value === undefined) throw new RangeError(`${name} did not measure ${figure}`);
  return value;
}
