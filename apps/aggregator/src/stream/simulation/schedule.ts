import { setImmediate as macrotask } from "node:timers/promises";
import type { SeededRandom } from "./seededRandom.ts";

/** What it waits for is never answered once it has crashed. */
export interface Turning {
  crashed: boolean;
}

/** One life of a process that counts a partition. */
export interface Life extends Turning {
  /** One of its own. */
  readonly id: number;
  readonly partition: number;
  /** Of its last acquisition; 0 before any. */
  epoch: bigint;
}

interface Turn {
  readonly life: Turning;
  readonly go: () => void;
}

/**
 * Lets one thing happen at a time, and chance from the seed choose which: time is the order of
 * turns, so that a run is the same whenever it is repeated.
 */
export class Schedule {
  readonly #random: SeededRandom;
  #waiting: Turn[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Resolves when it is this life's turn; never, if it crashes first. */
  turn(life: Turning): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ life, go: resolve });
    return promise;
  }

  /** Gives one waiting life its turn, and waits until all wait again or have ended. */
  async step(): Promise<void> {
    this.#waiting = this.#waiting.filter(({ life }) => !life.crashed);
    const at = this.#random.below(this.#waiting.length);
    const [next] = this.#waiting.splice(at, 1);
    next?.go();
    // Behind a macrotask all promises that can settle have settled.
    await macrotask();
  }
}
