import { StoreRejectedError, StoreUnavailableError } from "../ports/faults.ts";

/**
 * SQLSTATE classes and codes that pass: connection, transaction rollback, resources, operator
 * intervention (a restart, a statement timeout), lock not available.
 */
const PASSING = /^(08|40|53|57|55P03)/;

/** Five of digits and capitals with a digit among them: tells `08006` from Node's `EPIPE`. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** The fault of a statement in the words of the ports. No SQLSTATE: the server did not answer. */
export function toStoreError(what: string, error: unknown): Error {
  const state = sqlState(error);
  return state === undefined || PASSING.test(state)
    ? new StoreUnavailableError(`Postgres did not confirm: ${what}`, { cause: error })
    : new StoreRejectedError(`Postgres refused: ${what}`, { cause: error });
}

/** Drizzle wraps the driver's error in its own, so the chain of causes is searched. */
function sqlState(error: unknown): string | undefined {
  let at: unknown = error;
  while (at instanceof Error) {
    if ("code" in at && typeof at.code === "string" && SQLSTATE.test(at.code)) return at.code;
    at = at.cause;
  }
  return undefined;
}
