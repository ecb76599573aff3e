/** The row index: event id → object and row. */
export interface EventIndex {
  /**
   * Indexes all events of stored objects. Idempotent: a repeat writes the same rows, which merge.
   *
   * @throws if the index did not confirm; the outcome is unknown. Index them again.
   */
  add(paths: readonly string[]): Promise<void>;
}
