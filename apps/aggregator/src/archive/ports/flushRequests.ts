/** Wishes of others that the archive writes what it holds now, not at the end of its interval. */
export interface FlushRequests {
  /** The newest wish, as a word that differs from that of any earlier one; null if none was made. */
  latest(): Promise<string | null>;
}
