/**
 * What comes in one turn of the event loop, used in one go at the end of it: the code that does it is
 * fetched into the processor's caches once for all, not once for each (decision 131). Nothing waits
 * for a timer, so where one thing comes at a time it is used at once.
 */
export class Moment<Item> {
  readonly #use: (item: Item) => void;
  #items: Item[] = [];

  /** @param use Must not throw: what came behind would be lost. */
  constructor(use: (item: Item) => void) {
    this.#use = use;
  }

  add(item: Item): void {
    if (this.#items.length === 0) setImmediate(this.#useAll);
    this.#items.push(item);
  }

  readonly #useAll = (): void => {
    const items = this.#items;
    // What comes while these are used is of the next moment.
    this.#items = [];
    for (const item of items) this.#use(item);
  };
}
