import type { StreamReject } from "../../stream/domain/outcomes.ts";

/** Evidence put right. `reason` is empty where the event is counted after all. */
export interface Correction extends Omit<StreamReject, "reason"> {
  readonly reason: StreamReject["reason"] | "";
}

/**
 * Where a recount says other than the stream's evidence of the same events: mostly that a late one
 * is counted, or that it is a duplicate; and of events that the stream never saw, what became of
 * those that are not counted.
 */
export function correctionsOf(
  said: readonly StreamReject[],
  recounted: readonly StreamReject[],
): Correction[] {
  const saidAt = new Map(said.map((reject) => [placeOf(reject), reject]));
  const corrections: Correction[] = [];
  for (const reject of recounted) {
    const place = placeOf(reject);
    if (saidAt.get(place)?.reason !== reject.reason) corrections.push(reject);
    saidAt.delete(place);
  }
  for (const reject of saidAt.values()) corrections.push({ ...reject, reason: "" });
  return corrections;
}

function placeOf({ offset, index }: StreamReject): string {
  return `${offset}:${index}`;
}
