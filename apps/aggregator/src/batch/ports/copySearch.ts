/** Finds ids and tokens that come back in other event hours, each object once. */
export interface CopySearch {
  /**
   * Looks up the ids and tokens of all objects of the manifest that were not looked up yet. Idempotent; several
   * processes may do it at once.
   *
   * @throws whatever a store throws; what is not noted as done is done again.
   */
  search(): Promise<void>;
}
