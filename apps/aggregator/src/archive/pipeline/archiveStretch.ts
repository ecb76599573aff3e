import type { ManifestObject } from "@trueclick/archive/domain/manifestObject";
import type { EncodedHour, ObjectEncoder } from "@trueclick/archive/objectEncoder";
import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { Stretch } from "../domain/stretch.ts";
import type { EventIndex } from "../ports/eventIndex.ts";
import type { Manifest } from "../ports/manifest.ts";
import { putObject } from "./putObject.ts";

export interface StretchStores {
  readonly encoder: ObjectEncoder;
  readonly objects: ObjectStore;
  readonly index: EventIndex;
  readonly manifest: Manifest;
}

/** Objects on their way to the store at once: most of a put is waiting for the disk. */
const PUTS_MAX = 8;

/**
 * Archives one stretch, in the one order in which a crash does no harm:
 *
 * 1. Objects. After a crash here they are orphans: no manifest row names them, so nobody reads
 *    them. The next attempt may cut its stretch elsewhere; its names then differ, and where they
 *    are the same, so are the bytes, or the new object takes a name of its own.
 * 2. Rows of the event index, keyed by coordinates. After a crash here they name an orphan; the
 *    next attempt writes the same keys again with the new paths.
 * 3. Manifest rows and checkpoint, in one transaction. From here on the stretch is archived.
 *
 * @throws {StaleEpochError} Somebody else archives this partition now.
 * @throws whatever a store throws; nothing was committed, or its outcome is unknown.
 */
export async function archiveStretch(
  stores: StretchStores,
  epoch: bigint,
  stretch: Stretch,
): Promise<readonly ManifestObject[]> {
  const hours = await stores.encoder.encode(stretch);
  const objects: ManifestObject[] = [];
  for (let start = 0; start < hours.length; start += PUTS_MAX) {
    const some = hours.slice(start, start + PUTS_MAX);
    objects.push(...(await Promise.all(some.map((hour) => storeHour(stores, stretch, hour)))));
  }

  const rows = objects.reduce((sum, object) => sum + object.rows, 0);
  if (rows !== stretch.events) {
    throw new RangeError(`${rows} rows for the ${stretch.events} events of a stretch`);
  }
  // A record without lines makes a stretch without objects.
  if (objects.length > 0) await stores.index.add(objects.map(({ path }) => path));
  await stores.manifest.commit(epoch, stretch, objects);
  return objects;
}

async function storeHour(
  { objects }: StretchStores,
  { partition, firstOffset, lastOffset }: Stretch,
  { eventHourMs, rows, bytes, sha256 }: EncodedHour,
): Promise<ManifestObject> {
  const path = await putObject(
    objects,
    { eventHourMs, partition, firstOffset, lastOffset },
    bytes,
    sha256,
  );
  return { path, eventHourMs, rows, bytes: bytes.length, sha256 };
}
