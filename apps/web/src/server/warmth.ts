/** Whether a process may be sent requests: what is warmed before, and until when that is waited for. */
import type { Stores } from "@trueclick/db/stores";

/** Then a process that can answer says so, however cold it is. */
const WARM_UP_MS_MAX = 5_000;

/** What is warmed: the very parts that requests are answered by. */
export interface WarmedParts {
  readonly stores: Stores;
  readonly warmth: Warmth;
}

/** Over once somebody says so, and after a while in any case: also where nobody ever began. */
export class Warmth {
  readonly #untilMs: number;
  readonly #now: () => number;
  #isOver = false;

  /** @param now Milliseconds since any moment. */
  constructor(withinMs: number = WARM_UP_MS_MAX, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#untilMs = now() + withinMs;
  }

  end(): void {
    this.#isOver = true;
  }

  isOver(): boolean {
    return this.leftMs() === 0;
  }

  /** Until it is over in any case, milliseconds. */
  leftMs(): number {
    return this.#isOver ? 0 : Math.max(0, this.#untilMs - this.#now());
  }
}
