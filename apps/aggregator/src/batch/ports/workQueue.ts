/** A work that was taken up. Only its last claim may write: of a worker that was thought dead, none may. */
export interface Claim {
  readonly id: number;
  /** How often it was taken up, this time among them. */
  readonly attempt: number;
}

/**
 * What is asked for beside jobs, and who is at it. A worker that is not heard of for as long as a lease
 * is taken for dead, and its work is begun again by another.
 */
export interface WorkQueue {
  /** Keeps a work from being taken for abandoned. @throws {JobLostError} It is not this worker's any more. */
  renew(claim: Claim): Promise<void>;
  /** Gives a work back that was left in order: the next worker begins it at once. */
  handBack(claim: Claim): Promise<void>;
  /** After an error that may pass: begun again a while later, or failed if it was the last of some. */
  retry(claim: Claim, error: string): Promise<void>;
  /** Ends a work that would fail again, with an error that its requester can act on. */
  fail(claim: Claim, error: string): Promise<void>;
}
