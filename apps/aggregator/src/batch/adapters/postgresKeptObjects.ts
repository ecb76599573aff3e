/** Objects that a job pinned, wherever their events lie by now. */
import { type ObjectName, parseObjectPath } from "@trueclick/archive/domain/objectPath";
import { isOneOf } from "@trueclick/db/postgres/conditions";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { and, asc, eq } from "drizzle-orm";
import type { ObjectIdentity, PinnedObject } from "../domain/inputs.ts";
import type { FoundInputs } from "../ports/verifications.ts";
import {
  overlaps,
  type ReadObject,
  readObjectColumns,
  readSources,
  toPinnedObject,
} from "./postgresSources.ts";

export interface KeptObjects extends Pick<FoundInputs, "mixed" | "compacted"> {
  /** Of what is read, that which holds events of the named ones, by path. */
  of(named: readonly ObjectIdentity[]): readonly PinnedObject[];
}

interface Row extends ReadObject {
  readonly compactedInto: string | null;
  readonly removedAt: Date | null;
}

type Named = ObjectIdentity & { readonly name: ObjectName };

/**
 * What to read to have the events of named objects again. Each named object is read itself while its bytes
 * are kept, which those of compacted ones are for a time, and has to have the hash that it is named with. Where
 * one of those that a compacted object holds is gone, that one is read for all of them: each event lies
 * in one of the objects that are read, whoever names it.
 */
export async function findKeptObjects(
  db: Pick<Database, "select">,
  topic: string,
  identities: readonly ObjectIdentity[],
): Promise<KeptObjects> {
  const names = toNamed(identities);
  const rows = await readRows(db, topic, names);
  const byPath = new Map(rows.map((row) => [row.path, row]));
  const namesByPlace = Map.groupBy(names, ({ name }) => placeOf(name));
  const read: ReadObject[] = [];
  let [gone, stead] = [0, 0];
  for (const live of rows.filter(({ compactedInto }) => compactedInto === null)) {
    const within = (namesByPlace.get(placeOfRow(live)) ?? []).filter(({ name }) =>
      overlaps(name, live),
    );
    if (within.length === 0) continue;
    const outermost = within.filter((one) => !within.some((other) => holds(other, one)));
    const kept = outermost.flatMap(({ path, sha256 }) => {
      const row = byPath.get(path);
      return row === undefined || row.removedAt !== null ? [] : [{ ...row, sha256 }];
    });
    if (kept.length === outermost.length) {
      read.push(...kept);
    } else {
      read.push(live);
      gone += outermost.length;
      stead += 1;
    }
  }
  const sources = await readSources(db, topic, read);
  const pinned = read.map((row) => toPinnedObject(row, sources.get(row.path)));
  return {
    of: (named) => objectsOf(pinned, toNamed(named)),
    mixed: objectsOf(pinned, names)
      .filter(({ rows: all, sources: own }) => {
        return own !== undefined && all !== own.reduce((sum, { rows: some }) => sum + some, 0);
      })
      .map(({ path }) => path),
    compacted: { pinned: gone, read: stead },
  };
}

/** Those of the objects that have events of the named ones, with these sources alone. */
function objectsOf(objects: readonly PinnedObject[], names: readonly Named[]): PinnedObject[] {
  const byPlace = Map.groupBy(names, ({ name }) => placeOf(name));
  const isNamed = ({ path }: ObjectIdentity) => {
    const object = parseObjectPath(path);
    if (object === null) return false;
    return byPlace.get(placeOf(object))?.some(({ name }) => overlaps(name, object)) === true;
  };
  return objects.filter(isNamed).map(({ sources, ...object }) => {
    return { ...object, ...(sources && { sources: sources.filter(isNamed) }) };
  });
}

/** By path, once each. */
function toNamed(identities: readonly ObjectIdentity[]): Named[] {
  const byPath = new Map(identities.map((identity) => [identity.path, identity]));
  return [...byPath.values()].flatMap((identity) => {
    const name = parseObjectPath(identity.path);
    return name === null ? [] : [{ ...identity, name }];
  });
}

async function readRows(
  db: Pick<Database, "select">,
  topic: string,
  names: readonly Named[],
): Promise<Row[]> {
  const hours = [...new Set(names.map(({ name }) => new Date(name.eventHourMs).toISOString()))];
  if (hours.length === 0) return [];
  return await db
    .select({
      ...readObjectColumns,
      compactedInto: archiveObjects.compactedInto,
      removedAt: archiveObjects.removedAt,
    })
    .from(archiveObjects)
    .where(and(eq(archiveObjects.topic, topic), isOneOf(archiveObjects.eventHour, hours)))
    .orderBy(asc(archiveObjects.path));
}

/** Whether one was compacted into the other, and is not that itself. */
function holds(outer: Named, inner: Named): boolean {
  return (
    outer.path !== inner.path &&
    outer.name.firstOffset <= inner.name.firstOffset &&
    outer.name.lastOffset >= inner.name.lastOffset
  );
}

const placeOf = ({ eventHourMs, partition }: Pick<ObjectName, "eventHourMs" | "partition">) =>
  `${eventHourMs}/${partition}`;

const placeOfRow = ({ eventHour, partition }: ReadObject) =>
  placeOf({ eventHourMs: eventHour.getTime(), partition });
