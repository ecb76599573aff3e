import type { ObjectName } from "@trueclick/archive/domain/objectPath";
import { isOneOf } from "@trueclick/db/postgres/conditions";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { and, eq } from "drizzle-orm";
import type { ObjectIdentity, PinnedObject } from "../domain/inputs.ts";

/** An object of the manifest that is read. */
export interface ReadObject {
  readonly path: string;
  readonly sha256: string;
  readonly rows: bigint;
  readonly eventHour: Date;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly mergedObjects: number;
}

export const readObjectColumns = {
  path: archiveObjects.path,
  sha256: archiveObjects.sha256,
  rows: archiveObjects.rows,
  eventHour: archiveObjects.eventHour,
  partition: archiveObjects.partition,
  firstOffset: archiveObjects.firstOffset,
  lastOffset: archiveObjects.lastOffset,
  mergedObjects: archiveObjects.mergedObjects,
};

/**
 * The objects from the log that a compacted one holds, by its path. These never change: it makes no
 * difference when they are read.
 */
export async function readSources(
  db: Pick<Database, "select">,
  topic: string,
  objects: readonly ReadObject[],
): Promise<ReadonlyMap<string, readonly ReadObject[]>> {
  const merged = objects.filter(({ mergedObjects }) => mergedObjects > 0);
  if (merged.length === 0) return new Map();
  const hours = [...new Set(merged.map(({ eventHour }) => eventHour.toISOString()))];
  const fromLog = await db
    .select(readObjectColumns)
    .from(archiveObjects)
    .where(
      and(
        eq(archiveObjects.topic, topic),
        eq(archiveObjects.mergedObjects, 0),
        isOneOf(archiveObjects.eventHour, hours),
      ),
    );
  const byPlace = Map.groupBy(fromLog, placeOf);
  return new Map(
    merged.map((object) => {
      const sources = byPlace.get(placeOf(object)) ?? [];
      return [object.path, sources.filter((source) => isWithin(source, object))];
    }),
  );
}

function placeOf({ eventHour, partition }: ReadObject): string {
  return `${eventHour.getTime()}/${partition}`;
}

function isWithin(inner: ReadObject, outer: ReadObject): boolean {
  return inner.firstOffset >= outer.firstOffset && inner.lastOffset <= outer.lastOffset;
}

/** @param sources Those of one that was compacted, as far as they are inputs. */
export function toPinnedObject(object: ReadObject, sources?: readonly ReadObject[]): PinnedObject {
  const eventHourMs = object.eventHour.getTime();
  return {
    ...identityOf(object),
    eventHourMs,
    ...(sources === undefined ? {} : { sources: sources.map(identityOf) }),
  };
}

function identityOf({ path, sha256, rows }: ReadObject): ObjectIdentity {
  return { path, sha256, rows: Number(rows) };
}

type Offsets = Pick<ObjectName, "firstOffset" | "lastOffset">;

/** Whether two objects of an hour and partition may hold the same events. */
export function overlaps(a: Offsets, b: Offsets): boolean {
  return a.firstOffset <= b.lastOffset && b.firstOffset <= a.lastOffset;
}
