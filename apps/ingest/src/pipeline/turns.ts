/**
 * Turns of the event loop, one for each who asks: work that is large by itself, and comes to many at
 * the same moment, must not be done in one go.
 */
export class Turns {
  readonly #yieldTurn: () => Promise<void>;
  #last: Promise<void> = Promise.resolve();

  /** @param yieldTurn Resolves once others have had their turn. */
  constructor(yieldTurn: () => Promise<void>) {
    this.#yieldTurn = yieldTurn;
  }

  /** Resolves in a turn in which it resolves for nobody else. */
  myTurn(): Promise<void> {
    this.#last = this.#last.then(this.#yieldTurn);
    return this.#last;
  }
}
