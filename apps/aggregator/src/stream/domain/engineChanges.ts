import type { CellRows } from "./cubes.ts";
import type { HourUsers } from "./hourUsers.ts";
import type { Outcome, StreamReject } from "./outcomes.ts";

/** What has changed since it was last asked. */
export interface EngineChanges {
  readonly cells: CellRows;
  readonly users: readonly HourUsers[];
  readonly rejects: readonly StreamReject[];
  readonly outcomes: ReadonlyMap<Outcome, number>;
  /** Starts of the hours of event time of which a cube or the users lack some, epoch milliseconds. */
  readonly degradedHoursMs: readonly number[];
  /** Late events that a longer lateness, up to its limit, would have let in. */
  readonly rescuable: number;
}
