import { HOUR_MS } from "@trueclick/shared/time";
import type { PinnedObject } from "./inputs.ts";

/** Event hours that are judged together. Hours are never split: dedupe needs them whole. */
export interface Slice {
  /** Objects whose events are judged. */
  readonly objects: readonly PinnedObject[];
  /** First and last of their hours, inclusive, as starts in epoch milliseconds. */
  readonly firstHourMs: number;
  readonly lastHourMs: number;
  /** Objects of the hour after the last one: a double click is told from what follows it. */
  readonly following: readonly PinnedObject[];
  /** Objects of other hours with copies of some of these events, or uses of their tokens. */
  readonly copies: readonly PinnedObject[];
  /** Objects of the hours before the first one, in which impressions of these clicks may lie. */
  readonly preceding: readonly PinnedObject[];
}

/** All that a day is judged by; slices are cut of its objects, or of some of them. */
export interface SliceInputs {
  readonly objects: readonly PinnedObject[];
  readonly following: readonly PinnedObject[];
  readonly copies: readonly PinnedObject[];
  /** Objects of hours before the day; none unless some of its clicks need an impression. */
  readonly preceding: readonly PinnedObject[];
  /** How far back impressions may lie, hours; 0 where no click needs one. */
  readonly precedingHours: number;
}

/**
 * Cuts a day into slices of whole hours: as many hours a slice as fit into `rowsMax` rows, but at
 * least one. A quiet day is one query, a busy one stays within the engine's memory.
 *
 * @param judged Whole hours of the day's objects; all of them unless said.
 */
export function planSlices(
  inputs: SliceInputs,
  rowsMax: number,
  judged: readonly PinnedObject[] = inputs.objects,
): Slice[] {
  const slices: { hours: number[]; objects: PinnedObject[]; rows: number }[] = [];
  const byHour = Map.groupBy(judged, ({ eventHourMs }) => eventHourMs);
  for (const [eventHourMs, hour] of [...byHour].sort(([a], [b]) => a - b)) {
    const rows = hour.reduce((sum, object) => sum + object.rows, 0);
    const last = slices.at(-1);
    if (last === undefined || last.rows + rows > rowsMax) {
      slices.push({ hours: [eventHourMs], objects: [...hour], rows });
    } else {
      last.hours.push(eventHourMs);
      last.objects.push(...hour);
      last.rows += rows;
    }
  }
  const after = Map.groupBy(
    [...inputs.objects, ...inputs.following],
    ({ eventHourMs }) => eventHourMs,
  );
  return slices.map(({ hours, objects }) => {
    const [firstHourMs = 0, lastHourMs = firstHourMs] = [hours.at(0), hours.at(-1)];
    return {
      objects,
      firstHourMs,
      lastHourMs,
      following: after.get(lastHourMs + HOUR_MS) ?? [],
      copies: inputs.copies.filter(({ eventHourMs }) => !hours.includes(eventHourMs)),
      preceding: [...inputs.preceding, ...inputs.objects].filter(({ eventHourMs }) => {
        const backMs = firstHourMs - eventHourMs;
        return backMs > 0 && backMs <= inputs.precedingHours * HOUR_MS;
      }),
    };
  });
}
