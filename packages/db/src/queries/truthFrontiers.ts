import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { eq, max } from "drizzle-orm";
import { isOneOf } from "../postgres/conditions.ts";
import { archiveObjects } from "../postgres/schema/archive.ts";
import { batchJobObjects } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";

/** The first offset of a partition that the inputs of a build do not hold. */
export interface TruthFrontier {
  readonly buildId: number;
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * How far builds have read the log, by build and partition. Objects are archived, and so pinned, in the order of the log:
 * what lies before the last pinned object of a day's hours was pinned too.
 */
export async function truthFrontiers(
  { db }: Pick<Stores, "db">,
  builds: readonly { readonly buildId: number; readonly bounds: InstantRange }[],
): Promise<TruthFrontier[]> {
  const rows = await db
    .select({
      jobId: batchJobObjects.jobId,
      partition: archiveObjects.partition,
      eventHour: archiveObjects.eventHour,
      lastOffset: max(archiveObjects.lastOffset),
    })
    .from(batchJobObjects)
    .innerJoin(archiveObjects, eq(archiveObjects.path, batchJobObjects.path))
    .where(
      isOneOf(
        batchJobObjects.jobId,
        builds.map((build) => build.buildId),
      ),
    )
    .groupBy(batchJobObjects.jobId, archiveObjects.partition, archiveObjects.eventHour);

  const boundsOf = new Map(builds.map(({ buildId, bounds }) => [buildId, bounds]));
  const frontiers = new Map<string, TruthFrontier>();
  for (const { jobId, partition, eventHour, lastOffset } of rows) {
    const buildId = Number(jobId);
    const bounds = boundsOf.get(buildId);
    // Copies of the day's events that other hours hold are pinned as well and say nothing here.
    if (bounds === undefined || lastOffset === null || !touches(eventHour, bounds)) continue;
    const key = `${buildId}/${partition}`;
    const offset = BigInt(lastOffset) + 1n;
    const before = frontiers.get(key);
    if (before === undefined || before.offset < offset) {
      frontiers.set(key, { buildId, partition, offset });
    }
  }
  return [...frontiers.values()].sort((a, b) => a.buildId - b.buildId || a.partition - b.partition);
}

function touches(hour: Date, { fromMs, toMs }: InstantRange): boolean {
  return hour.getTime() + HOUR_MS > fromMs && hour.getTime() < toMs;
}
