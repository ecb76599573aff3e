import { HOUR_MS } from "@trueclick/shared/time";
import type { CellTotals } from "../domain/cubes.ts";
import { Doubts } from "./doubts.ts";
import { type Expected, oracle } from "./oracle.ts";
import type { SimulatedWorld } from "./simulatedStores.ts";
import { ALLOWED_LATENESS_MS } from "./simulatedTraffic.ts";

/** Where the stores differ from the oracle, in words: I1, I2 and the totals. */
export async function findings(world: SimulatedWorld): Promise<string[]> {
  const { records, hotStore, checkpoints } = world;
  const doubts = records.map((_own, partition) => new Doubts(world, partition));
  const oracles = doubts.map(({ modes, counted }) => oracle(counted, ALLOWED_LATENESS_MS, modes));
  const areUsersSure = (key: string) => doubts.every((of) => of.areUsersSure(key));
  const users = differences("users", usersOf(oracles), sizesOf(hotStore.users), areUsersSure);
  const ofPartitions = oracles.flatMap((expected, partition) => {
    const own = doubts[partition] ?? new Doubts(world, partition);
    const degraded = checkpoints.degraded.filter((mark) => mark.partition === partition);
    const marked = new Set(degraded.flatMap(({ hoursMs }) => hoursMs));
    const cells = new Map<string, number[]>();
    for (const [key, cell] of hotStore.cells) {
      if (key.endsWith(`/${partition}`)) cells.set(keyOf(cell), countsOf(cell));
    }
    const rejects = new Map<string, string>();
    for (const { partition: from, offset, index, reason } of hotStore.rejects.values()) {
      if (from === partition) rejects.set(`${offset}:${index}`, reason);
    }
    const totals = Object.values(checkpoints.rows.get(partition)?.checkpoint.totals ?? {});
    const events = totals.reduce((sum, count) => sum + count, 0);
    const conflicts = hotStore.conflicts.filter((one) => {
      return one.partition === partition && own.isCellSure(one.cell);
    });
    return [
      ...conflicts.map(({ words }) => words),
      ...differences(`cell ${partition}`, expected.cells, cells, (key) => own.isCellSure(key)),
      ...differences(`reject ${partition}`, expected.rejects, rejects, (at) => own.isEventSure(at)),
      ...unmarked(world, partition, own),
      ...[...expected.degradedHoursMs]
        .filter((hourMs) => !marked.has(hourMs) && own.isHourSure(hourMs))
        .map((hourMs) => `the degraded hour ${hourMs} of ${partition} is not marked`),
      ...(events === expected.events ? [] : [`${events} events of ${expected.events}`]),
    ];
  });
  return [...users, ...ofPartitions];
}

/** How many users each campaign has in each hour; the partitions have none in common. */
function usersOf(oracles: readonly Expected[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const [key, users] of oracles.flatMap((expected) => [...expected.users])) {
    sizes.set(key, (sizes.get(key) ?? 0) + users.size);
  }
  return sizes;
}

const sizesOf = (sets: ReadonlyMap<string, ReadonlySet<string>>) => {
  return new Map([...sets].map(([key, set]) => [key, set.size]));
};

/** Hours of late events that no commit has marked for a backfill. */
function unmarked(
  { hotStore, checkpoints }: SimulatedWorld,
  partition: number,
  doubts: Doubts,
): string[] {
  const own = checkpoints.marks.filter((mark) => mark.partition === partition);
  const marked = new Set(own.flatMap(({ hoursMs }) => hoursMs));
  return [...hotStore.rejects.values()]
    .filter(({ partition: from, reason, advertiserId, eventTimeMs }) => {
      const hourMs = Math.floor(eventTimeMs / HOUR_MS) * HOUR_MS;
      const isLate = from === partition && reason === "late" && advertiserId !== "";
      return isLate && !marked.has(hourMs);
    })
    .filter(({ offset, index }) => doubts.isEventSure(`${offset}:${index}`))
    .map(({ offset, index }) => `the late event ${partition}:${offset}:${index} marked no hour`);
}

function keyOf({ cube, dimensionValue, windowStartMs }: CellTotals): string {
  return `${cube}/${dimensionValue}/${windowStartMs}`;
}

function countsOf(cell: CellTotals): number[] {
  const { clicks, invalidClicks, duplicateClicks, impressions, costMicros } = cell;
  return [clicks, invalidClicks, duplicateClicks, impressions, Number(costMicros)];
}

function differences(
  what: string,
  expected: ReadonlyMap<string, unknown>,
  found: ReadonlyMap<string, unknown>,
  isSure: (key: string) => boolean,
): string[] {
  const keys = new Set([...expected.keys(), ...found.keys()]);
  return [...keys].filter(isSure).flatMap((key) => {
    const [right, is] = [String(expected.get(key)), String(found.get(key))];
    return right === is ? [] : [`${what} ${key} is ${is} and should be ${right}`];
  });
}
