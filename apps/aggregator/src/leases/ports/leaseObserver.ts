/** Told what becomes of a member's partitions, for metrics, logs and health. Must not throw. */
export interface LeaseObserver {
  /** After each renewal: what is worked on here, and what a fair share would be. */
  renewed(partitions: readonly number[], share: number): void;
  /** A partition is worked on here no more. */
  ended(partition: number): void;
  failed(error: unknown): void;
}
