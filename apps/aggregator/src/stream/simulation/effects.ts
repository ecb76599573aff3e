import type { Schedule, Turning } from "./schedule.ts";
import type { SeededRandom } from "./seededRandom.ts";

/** How an effect may fare. */
interface Fare {
  /** What is thrown where nobody hears of it. */
  readonly gone: () => Error;
  /** Whether the network may bring it again, or for the first time, at any time after. */
  readonly repeatable: boolean;
}

/**
 * What processes do to the world: every effect waits for its turn, and may come to nothing, be done
 * with the answer lost, or arrive again, or only, much later.
 */
export class Effects {
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  readonly #late: (() => Promise<unknown>)[] = [];
  /** All goes well from now on. */
  calm = false;

  constructor(schedule: Schedule, random: SeededRandom) {
    this.#schedule = schedule;
    this.#random = random;
  }

  async do<T>(life: Turning, act: () => Promise<T>, { gone, repeatable }: Fare): Promise<T> {
    await this.#schedule.turn(life);
    const random = this.#random;
    if (!this.calm && random.happens(0.06)) {
      if (repeatable && random.happens(0.2)) this.#late.push(act);
      throw gone();
    }
    const done = await act();
    if (!this.calm && repeatable && random.happens(0.08)) this.#late.push(act);
    // The process may die here: done, and nobody was told.
    await this.#schedule.turn(life);
    if (!this.calm && random.happens(0.06)) throw gone();
    return done;
  }

  /** Rows of one write, of which a store may keep a part and then be gone. */
  async doRows<Row>(
    life: Turning,
    rows: readonly Row[],
    act: (rows: readonly Row[]) => Promise<void>,
    gone: () => Error,
  ): Promise<void> {
    const random = this.#random;
    if (!this.calm && rows.length > 1 && random.happens(0.04)) {
      const part = rows.filter(() => random.happens(0.5));
      await this.do(life, () => act(part), { gone, repeatable: true });
      throw gone();
    }
    await this.do(life, () => act(rows), { gone, repeatable: true });
  }

  /** Something that is still on its way arrives. */
  async arrive(): Promise<void> {
    if (this.#late.length === 0) return;
    const [act] = this.#late.splice(this.#random.below(this.#late.length), 1);
    await quietly(act);
  }

  async arriveAll(): Promise<void> {
    for (const act of this.#late.splice(0)) await quietly(act);
  }
}

/** A late commit of one who was deposed meanwhile is refused, and nobody listens. */
async function quietly(act: (() => Promise<unknown>) | undefined): Promise<void> {
  try {
    await act?.();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "StaleEpochError") throw error;
  }
}
