import type { Clock } from "./clock.ts";

export interface LogTimes {
  /** The statement of an append: in any case, and for each request in it, milliseconds. */
  readonly appendMs: number;
  readonly requestMs: number;
  /** The disk's flush: in any case, and for each request in it, milliseconds. */
  readonly flushMs: number;
  readonly flushRequestMs: number;
  /** Whether an append keeps others from its rows until it is on disk, as Postgres does. */
  readonly holdsRows: boolean;
}

interface Append {
  readonly requests: number;
  readonly stored: () => void;
}

/** Times are a quarter more or less; one in so many takes two times more. */
const SPREAD = 0.25;
const SLOW_CHANCE = 0.03;

/** A log whose appends take one another's rows, and whose flushes take along all that waits. */
export class ModelledLog {
  flushes = 0;
  readonly #clock: Clock;
  readonly #times: LogTimes;
  readonly #forRows: Append[] = [];
  #toFlush: Append[] = [];
  #areRowsHeld = false;
  #isFlushing = false;

  constructor(clock: Clock, times: LogTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  append(requests: number, stored: () => void): void {
    this.#forRows.push({ requests, stored });
    this.#nextForRows();
  }

  #nextForRows(): void {
    const append = this.#areRowsHeld ? undefined : this.#forRows.shift();
    if (append === undefined) return;
    const { appendMs, requestMs, holdsRows } = this.#times;
    this.#areRowsHeld = true;
    this.#clock.after((appendMs + requestMs * append.requests) * this.#luck(), () => {
      if (!holdsRows) this.#letGo();
      this.#toFlush.push(append);
      this.#flush();
    });
  }

  #letGo(): void {
    this.#areRowsHeld = false;
    this.#nextForRows();
  }

  #flush(): void {
    if (this.#isFlushing || this.#toFlush.length === 0) return;
    const { flushMs, flushRequestMs, holdsRows } = this.#times;
    const flushed = this.#toFlush;
    const requests = flushed.reduce((sum, append) => sum + append.requests, 0);
    this.#toFlush = [];
    this.#isFlushing = true;
    this.flushes += 1;
    this.#clock.after((flushMs + flushRequestMs * requests) * this.#luck(), () => {
      this.#isFlushing = false;
      for (const { stored } of flushed) {
        if (holdsRows) this.#letGo();
        stored();
      }
      this.#flush();
    });
  }

  #luck(): number {
    const slow = this.#clock.chance() < SLOW_CHANCE ? 2 : 0;
    return 1 + SPREAD * (2 * this.#clock.chance() - 1) + slow;
  }
}
