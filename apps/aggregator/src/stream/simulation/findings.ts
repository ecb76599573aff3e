import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { SpanTotals } from "../../backfill/domain/spans.ts";
import type { CellTotals } from "../domain/cubes.ts";
import type { MemoryHotStore } from "../testing/memoryStores.ts";
import { Doubts } from "./doubts.ts";
import { movedFindings } from "./movedIds.ts";
import { type Expected, oracle } from "./oracle.ts";
import { ALLOWED_LATENESS_MS } from "./simulatedTraffic.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";
import { StreamDoubts } from "./streamDoubts.ts";

const NOTHING: ReadonlySet<never> = new Set();
const ALLOWED = { allowedLatenessMs: ALLOWED_LATENESS_MS };

/** Where what the stream has written differs from the oracle, in words, whatever is healed. */
export function streamFindings(world: SimulatedWorld): string[] {
  const { records, hotStore } = world;
  const doubts = records.map((_own, partition) => new Doubts(world, partition));
  const streamDoubts = records.map((_own, partition) => new StreamDoubts(world, partition));
  const oracles = doubts.map(({ read, gaps, modes }) => {
    const counted = { records: read, passedOver: NOTHING, gaps, modes, healedMs: NOTHING };
    return oracle({ ...counted, ...ALLOWED });
  });
  const areUsersSure = (key: string) => streamDoubts.every((of) => of.areUsersSure(key));
  const found = sizesOf(hotStore.stream.users);
  const users = differences("users", usersOf(oracles), found, areUsersSure);
  const ofPartitions = oracles.flatMap((expected, partition) => {
    const own = streamDoubts[partition] ?? new StreamDoubts(world, partition);
    const rejects = new Map<string, string>();
    for (const { partition: from, offset, index, reason } of hotStore.stream.rejects.values()) {
      if (from === partition) rejects.set(`${offset}:${index}`, reason);
    }
    const cells = cellsOf(hotStore.stream, partition);
    const conflicts = hotStore.conflicts.filter((one) => one.partition === partition);
    return [
      ...conflicts.filter(({ cell }) => own.isCellSure(cell)).map(({ words }) => words),
      ...differences(`cell ${partition}`, expected.cells, cells, (key) => own.isCellSure(key)),
      ...differences(`reject ${partition}`, expected.rejects, rejects, (at) => own.isEventSure(at)),
      ...unmarked(world, expected, partition, (hourMs) => own.isHourSure(hourMs)),
    ];
  });
  return [...users, ...ofPartitions].map((finding) => `of the stream: ${finding}`);
}

/** Hours that lack something, and are not marked to be counted again. */
function unmarked(
  { dirtyHours }: SimulatedWorld,
  expected: Expected,
  partition: number,
  isSure: (hourMs: number) => boolean,
): string[] {
  return [...expected.wantingMs]
    .filter((hourMs) => !dirtyHours.markedMs.has(hourMs) && isSure(hourMs))
    .map((hourMs) => `hour ${hourMs} of ${partition} lacks something and is not marked`);
}

/**
 * Where the stores as their readers see them differ from the oracle, in words: I1, I2 and the totals.
 *
 * @param readFrom Where the reading began whose totals the checkpoints hold, by partition.
 */
export function findings(world: SimulatedWorld, readFrom: readonly bigint[]): string[] {
  const { records, hotStore, dirtyHours } = world;
  const doubts = records.map((_own, partition) => new Doubts(world, partition));
  const healedMs = new Set(
    [...dirtyHours.markedMs].filter((hourMs) => !dirtyHours.openMs.has(hourMs)),
  );
  const oracles = doubts.map(({ countable, passedOver, gaps, modes }) => {
    const counted = { records: countable, passedOver, gaps, modes, healedMs };
    return oracle({ ...counted, ...ALLOWED });
  });
  const isHourSure = (hourMs: number) => doubts.every((of) => of.isHourSure(hourMs));
  const areUsersSure = (key: string) => isHourSure(hourOfKey(key));
  const users = differences("users", usersOf(oracles), sizesOf(hotStore.users), areUsersSure);
  const ofPartitions = oracles.flatMap((expected, partition) => {
    const own = doubts[partition] ?? new Doubts(world, partition);
    return [
      ...cellFindings(world, expected, partition, own),
      ...evidenceFindings(world, expected, partition, own),
      ...unmarked(world, expected, partition, (hourMs) => own.isHourSure(hourMs)),
      ...totalFindings(world, partition, own, readFrom[partition] ?? 0n),
    ];
  });
  const moved = movedFindings(hotStore, oracles, doubts);
  return [...users, ...ofPartitions, ...moved, ...lineFindings(world)];
}

/** Lines that readers take for hours, and that say something else. */
function lineFindings({ lines, rollups, dirtyHours }: SimulatedWorld): string[] {
  return lines
    .overMs(rollups.rolledThroughMs)
    .filter((hourMs) => !dirtyHours.openMs.has(hourMs))
    .map((hourMs) => `the lines of hour ${hourMs} are not what its spans say`);
}

function cellsOf({ cells }: MemoryHotStore, partition: number): Map<string, number[]> {
  const own = [...cells].filter(([key]) => key.endsWith(`/${partition}`));
  const shown = own.filter(([, cell]) => !isEmpty(cell));
  return new Map(shown.map(([, cell]) => [keyOf(cell), [...countsOf(cell), cell.givtClicks]]));
}

function cellFindings(
  { hotStore, hotHours, rollups }: SimulatedWorld,
  expected: Expected,
  partition: number,
  own: Doubts,
): string[] {
  const cells = cellsOf(hotStore, partition);
  const spans = new Map<string, number[]>();
  const hours = new Map<string, number[]>();
  for (const [key, span] of hotHours.spans) {
    if (key.startsWith(`${partition}/`) && !isEmpty(span)) spans.set(key, countsOf(span));
  }
  const sizes = new Set([...hotHours.spans.values()].map(({ spanSizeMs }) => spanSizeMs));
  for (const [key, counts] of expected.cells) {
    const [cube, value, minute] = key.split("/");
    const spanMs = windowStartMs(Number(minute), [...sizes][0] ?? HOUR_MS);
    const spanKey = `${partition}/${cube}/${value}/${spanMs}`;
    const sum = hours.get(spanKey) ?? [0, 0, 0, 0, 0];
    hours.set(
      spanKey,
      sum.map((count, at) => count + (counts[at] ?? 0)),
    );
  }
  const isSpanSure = (key: string) => {
    return hourOfKey(key) < rollups.rolledThroughMs && own.isHourSure(hourOfKey(key));
  };
  return [
    ...differences(`cell ${partition}`, expected.cells, cells, (key) => own.isCellSure(key)),
    ...differences(`span ${partition}`, hours, spans, isSpanSure),
  ];
}

/** Evidence as readers see it: corrected, where a backfill has. */
function evidenceFindings(
  { hotStore, hotHours }: SimulatedWorld,
  expected: Expected,
  partition: number,
  own: Doubts,
): string[] {
  const rejects = new Map<string, string>();
  const evidence = [...hotStore.rejects.values(), ...hotHours.corrections.values()];
  for (const { partition: from, offset, index, reason } of evidence) {
    if (from !== partition) continue;
    const at = `${offset}:${index}`;
    // Nobody is told of a late one of no campaign, so it may have come behind the backfill.
    const isEitherWay = reason === "late" && expected.lateOfNobody.has(at);
    rejects.set(at, isEitherWay ? (expected.rejects.get(at) ?? reason) : reason);
    if (reason === "") rejects.delete(at);
  }
  return differences(`reject ${partition}`, expected.rejects, rejects, (at) => own.isEventSure(at));
}

function totalFindings(
  { records, checkpoints }: SimulatedWorld,
  partition: number,
  { passedOver }: Doubts,
  readFrom: bigint,
): string[] {
  const totals = Object.values(checkpoints.rows.get(partition)?.checkpoint.totals ?? {});
  const events = totals.reduce((sum, count) => sum + count, 0);
  const read = (records[partition] ?? []).filter(({ offset }) => {
    return offset >= readFrom && !passedOver.has(offset);
  });
  const right = read.reduce((sum, record) => sum + record.events.length, 0);
  return events === right ? [] : [`${events} events of ${right} in partition ${partition}`];
}

/** How many users each campaign has in each hour, over all partitions. */
function usersOf(oracles: readonly Expected[]): Map<string, number> {
  const all = new Map<string, ReadonlySet<string>>();
  for (const [key, users] of oracles.flatMap((expected) => [...expected.users])) {
    all.set(key, new Set([...(all.get(key) ?? []), ...users]));
  }
  return sizesOf(all);
}

const sizesOf = (sets: ReadonlyMap<string, ReadonlySet<string>>) => {
  return new Map([...sets].map(([key, set]) => [key, set.size]));
};

/** @param key That ends with a time. */
function hourOfKey(key: string): number {
  return windowStartMs(Number(key.slice(key.lastIndexOf("/") + 1)), HOUR_MS);
}

function keyOf({ cube, dimensionValue, windowStartMs: startMs }: CellTotals): string {
  return `${cube}/${dimensionValue}/${startMs}`;
}

/** A cell of nothing is none to a reader. */
function isEmpty(cell: CellTotals | SpanTotals): boolean {
  return countsOf(cell).every((count) => count === 0);
}

function countsOf(cell: CellTotals | SpanTotals): number[] {
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
