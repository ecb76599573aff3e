/** What one member sees of a group of processes that share out the partitions of a topic. */
export interface LeaseView {
  /** Ids of the members that are alive, oneself included. */
  readonly members: readonly string[];
  /** Partitions that this member holds, ascending. */
  readonly held: readonly number[];
}

/**
 * Who works on which partition. A lease says who should, not whose work counts: a holder that is
 * slow to see that it lost one may still be at work. Epochs see to that at every commit.
 *
 * Every method is safe to repeat and throws whatever its store does; the outcome is then unknown.
 */
export interface LeaseStore {
  /**
   * Joins the group. Leases of a former life of the same instance are free at once, instead of
   * after they run out. Join again when the topic has been given more partitions.
   *
   * @param partitionCount How many partitions this member knows of.
   */
  join(partitionCount: number): Promise<void>;
  /** Says that this member is alive and renews what it holds. */
  renew(): Promise<LeaseView>;
  /**
   * Takes at most `count` partitions that nobody alive holds, of those before `partitionCount`:
   * others may know of more. Returns those it took.
   */
  claim(count: number, partitionCount: number): Promise<readonly number[]>;
  /** Gives up partitions. Those that are no longer held are left alone. */
  release(partitions: readonly number[]): Promise<void>;
  /** Gives up everything and leaves the group. */
  leave(): Promise<void>;
}
