/** What became of events, by source, as `/metrics` says it. */
import { sumByLabel } from "./metricsText.ts";

export interface EventCounts {
  readonly received: ReadonlyMap<string, number>;
  readonly accepted: ReadonlyMap<string, number>;
  readonly quarantined: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
}

export async function readEventCounts(url: string): Promise<EventCounts> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sums = (kind: string) => sumByLabel(text, `trueclick_edge_${kind}_events_total`, "source");
  return {
    received: sums("received"),
    accepted: sums("accepted"),
    quarantined: sums("quarantined"),
    refused: sums("refused"),
  };
}

/** I2: sources for which received is not accepted + quarantined + refused. */
export function unbalanced({ received, accepted, quarantined, refused }: EventCounts): string[] {
  const sources = new Set(
    [accepted, quarantined, refused, received].flatMap((by) => [...by.keys()]),
  );
  const at = (by: ReadonlyMap<string, number>, source: string) => by.get(source) ?? 0;
  return [...sources].filter(
    (source) =>
      at(received, source) !== at(accepted, source) + at(quarantined, source) + at(refused, source),
  );
}
