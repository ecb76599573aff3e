import type { CellRows } from "../domain/cubes.ts";
import type { HourUsers } from "../domain/hourUsers.ts";
import type { StreamReject } from "../domain/outcomes.ts";

/** Where the counts and the evidence are kept, for dashboards and for drift. */
export interface HotStore {
  /**
   * Stores cells. Of two writes to one cell of one partition the higher version wins, whichever
   * comes first; the same again changes nothing.
   *
   * @throws {StoreUnavailableError} Some may be stored. Write all of them again.
   * @throws {StoreRejectedError} The store would refuse them again. Stop.
   */
  writeCells(partition: number, cells: CellRows, signal: AbortSignal): Promise<void>;

  /**
   * Adds users to the sets of their campaigns and hours; the same again changes nothing.
   *
   * @throws {StoreUnavailableError} Some may be stored. Write all of them again.
   * @throws {StoreRejectedError} The store would refuse them again. Stop.
   */
  writeUsers(users: readonly HourUsers[], signal: AbortSignal): Promise<void>;

  /**
   * Stores evidence, keyed by coordinates; the same again changes nothing.
   *
   * @throws {StoreUnavailableError} Some may be stored. Write all of them again.
   * @throws {StoreRejectedError} The store would refuse them again. Stop.
   */
  writeRejects(rejects: readonly StreamReject[], signal: AbortSignal): Promise<void>;
}
