/** How a role, or one partition of it, is told to end. */
export interface StopSignals {
  /** Read no more; finish what is read. */
  readonly stopping: AbortSignal;
  /** Leave it as it is. What is not committed is read again after the next start. */
  readonly deadline: AbortSignal;
}
