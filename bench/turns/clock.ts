/** Time of a model: what happens when, in the order of its times, and chance that repeats itself. */
export class Clock {
  nowMs = 0;
  readonly #due: { readonly atMs: number; readonly happen: () => void }[] = [];
  #seed = 1;

  /** Has something happen after so many milliseconds; of those at one time the earlier said first. */
  after(ms: number, happen: () => void): void {
    const atMs = this.nowMs + ms;
    const behind = this.#due.findIndex((other) => other.atMs > atMs);
    this.#due.splice(behind === -1 ? this.#due.length : behind, 0, { atMs, happen });
  }

  /** Until nothing is due any more. */
  run(): void {
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) {
      this.nowMs = next.atMs;
      next.happen();
    }
  }

  /** In `[0, 1)`, the same at every run (mulberry32). */
  chance(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** A core: one piece of work after the other. */
export class Core {
  busyMs = 0;
  readonly #clock: Clock;
  readonly #queue: { readonly ms: number; readonly done: () => void }[] = [];
  #isBusy = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  work(ms: number, done: () => void): void {
    this.#queue.push({ ms, done });
    this.#next();
  }

  #next(): void {
    const job = this.#isBusy ? undefined : this.#queue.shift();
    if (job === undefined) return;
    this.#isBusy = true;
    this.busyMs += job.ms;
    this.#clock.after(job.ms, () => {
      this.#isBusy = false;
      job.done();
      this.#next();
    });
  }
}
