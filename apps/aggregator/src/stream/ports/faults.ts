/** The two ways in which any store of the stream may fail, each with what the caller must do. */

/** Passing fault, unknown outcome: do it again. Every write of the stream is idempotent. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** Lasting fault: the store refused and would again. Commit nothing and stop. */
export class StoreRejectedError extends Error {
  override readonly name = "StoreRejectedError";
}
