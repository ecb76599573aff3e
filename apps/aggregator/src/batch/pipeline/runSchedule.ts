import type { RoleLogger } from "../../archive/pipeline/runArchive.ts";
import { isDue } from "../domain/schedule.ts";
import type { DaySchedule } from "../ports/daySchedule.ts";
import { againAndAgain } from "./againAndAgain.ts";

export interface ScheduleRole {
  readonly schedule: DaySchedule;
  /** Between two looks, milliseconds; 0 counts nothing unasked. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
  readonly logger: RoleLogger;
}

/** So few scheduled jobs wait at once that one which a person asks for is soon at its turn. */
export const UNFINISHED_MAX = 8;

/** Queues the days that are due until aborted. Stores that are away are waited for. Never throws. */
export async function runSchedule(role: ScheduleRole, signal: AbortSignal): Promise<void> {
  const { intervalMs, logger, nowMs } = role;
  if (intervalMs === 0) return;
  const act = async () => {
    const queued = await queueDue(role.schedule, nowMs());
    if (queued > 0) logger.info({ days: queued }, "queued days that have changed");
  };
  const couldNot = "could not look for changed days";
  await againAndAgain({ act, intervalMs, logger, couldNot }, signal);
}

/** One look: queues what is due, the newest days first. Answers with how many it were. */
export async function queueDue(schedule: DaySchedule, nowMs: number): Promise<number> {
  const queued = await schedule.decide(nowMs, (dirty, unfinished) =>
    dirty
      .filter(({ bounds, lookedAtMs }) => isDue(bounds, lookedAtMs, nowMs))
      .toReversed()
      .slice(0, Math.max(UNFINISHED_MAX - unfinished, 0)),
  );
  return queued?.length ?? 0;
}
