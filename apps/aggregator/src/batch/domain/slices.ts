import type { PinnedObject } from "./inputs.ts";

/** Event hours that are judged together. Hours are never split: dedupe needs them whole. */
export interface Slice {
  /** Objects whose events are judged. */
  readonly objects: readonly PinnedObject[];
  /** Objects of other hours that hold copies of some of these events. */
  readonly copies: readonly PinnedObject[];
}

/**
 * Cuts a day into slices of whole hours: as many hours a slice as fit into `rowsMax` rows, but at
 * least one. A quiet day is one query, a busy one stays within the engine's memory.
 */
export function planSlices(
  objects: readonly PinnedObject[],
  copies: readonly PinnedObject[],
  rowsMax: number,
): Slice[] {
  const slices: { hours: Set<number>; objects: PinnedObject[]; rows: number }[] = [];
  for (const [eventHourMs, hour] of byHour(objects)) {
    const rows = hour.reduce((sum, object) => sum + object.rows, 0);
    const last = slices.at(-1);
    if (last === undefined || last.rows + rows > rowsMax) {
      slices.push({ hours: new Set([eventHourMs]), objects: [...hour], rows });
    } else {
      last.hours.add(eventHourMs);
      last.objects.push(...hour);
      last.rows += rows;
    }
  }
  return slices.map(({ hours, objects: own }) => ({
    objects: own,
    copies: copies.filter(({ eventHourMs }) => !hours.has(eventHourMs)),
  }));
}

function byHour(objects: readonly PinnedObject[]): [number, PinnedObject[]][] {
  const hours = new Map<number, PinnedObject[]>();
  for (const object of objects) {
    const hour = hours.get(object.eventHourMs);
    if (hour === undefined) hours.set(object.eventHourMs, [object]);
    else hour.push(object);
  }
  return [...hours].sort(([a], [b]) => a - b);
}
