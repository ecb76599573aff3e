/** Removes what builds left behind that no version will ever name. */
export interface BuildSweep {
  /**
   * Sweeps some builds of jobs that ended long enough ago without publishing. What a version names is
   * never touched, nor is anything of a partition that is being counted. Idempotent, so that a
   * sweep that dies is simply done again; several processes may sweep at once.
   *
   * @returns How many builds were swept; there may be more.
   */
  sweep(): Promise<number>;
}
