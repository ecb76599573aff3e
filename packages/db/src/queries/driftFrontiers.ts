/** How far truth and stream have read, as drift asks for it. */
import { SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import type { Stores } from "../stores.ts";
import { type FrontierParams, frontierKey } from "./driftEvidence.ts";
import { heldParams } from "./heldRows.ts";
import type { PipelineOffsets } from "./pipelineOffsets.ts";
import { type TruthFrontier, truthFrontiers } from "./truthFrontiers.ts";
import type { TruthPointer } from "./truthPointers.ts";

/** The first and the last billing day of builds; any day where there is none. */
export function daysOf(pins: readonly TruthPointer[]) {
  const days = pins.map(({ billingDay }) => billingDay).sort();
  return { first_day: days.at(0) ?? NO_DAY, last_day: days.at(-1) ?? NO_DAY };
}

const NO_DAY = "1970-01-01";

/** Of one advertiser: its builds, by day, and how far everybody has read. */
interface Readings {
  readonly pins: readonly TruthPointer[];
  readonly offsets: PipelineOffsets;
  /** That became known after the range began, by id. */
  readonly newCampaigns: readonly { readonly id: string }[];
}

/** The same for all statements, and for evidence, which depends on less of it. */
export interface Frontiers {
  readonly params: FrontierParams;
  readonly forEvidence: FrontierParams;
  /**
   * Whether evidence may come of hours that nobody marks: a late event of a campaign that the stream does
   * not know would change no count, and becomes evidence once the campaign is the tenant's.
   */
  readonly mayGrow: boolean;
}

export async function readFrontiers(
  stores: Pick<Stores, "db" | "memo">,
  { pins, offsets, newCampaigns }: Readings,
): Promise<Frontiers> {
  const frontiers = await frontiersOf(stores, pins);
  // `transform` needs one pair at least; the pairs of 0 stand for no build and change nothing.
  const params = {
    day_starts: pins.map(({ bounds }) => bounds.fromMs / SECOND_MS),
    day_ends: pins.map(({ bounds }) => bounds.toMs / SECOND_MS),
    builds: pins.map((pin) => pin.buildId),
    ...heldParams(pins),
    ...daysOf(pins),
    frontier_keys: [0, ...frontiers.map((f) => frontierKey(f.buildId, f.partition))],
    frontiers: [0n, ...frontiers.map(({ offset }) => offset)],
    ...streamParams(offsets.streamNext),
    new_campaigns: newCampaigns.map(({ id }) => id),
  };
  const next = streamNextForEvidence(offsets.streamNext, frontiers);
  const forEvidence = { ...params, ...streamParams(next) };
  return { params, forEvidence, mayGrow: newCampaigns.length > 0 };
}

/**
 * What builds pinned, which is never changed once a version names them: asked once a build, as long as it
 * is remembered. By build and partition.
 */
async function frontiersOf(
  { db, memo }: Pick<Stores, "db" | "memo">,
  pins: readonly TruthPointer[],
): Promise<TruthFrontier[]> {
  const questionOf = ({ buildId, bounds }: TruthPointer) => ["truthFrontiers", buildId, bounds];
  const frontiers: TruthFrontier[] = [];
  const unknown: TruthPointer[] = [];
  for (const pin of pins) {
    const told = memo?.known(questionOf(pin));
    if (told === undefined) unknown.push(pin);
    else frontiers.push(...toFrontiers(pin, told));
  }
  const read = unknown.length === 0 ? [] : await truthFrontiers({ db }, unknown);
  for (const pin of unknown) {
    const own = read.filter(({ buildId }) => buildId === pin.buildId);
    memo?.keep(
      questionOf(pin),
      JSON.stringify(own.map(({ partition, offset }) => [partition, String(offset)])),
    );
  }
  return [...frontiers, ...read].sort((a, b) => a.buildId - b.buildId || a.partition - b.partition);
}

function toFrontiers({ buildId }: TruthPointer, told: string): TruthFrontier[] {
  return frontiersSchema
    .parse(JSON.parse(told))
    .map(([partition, offset]) => ({ buildId, partition, offset }));
}

const frontiersSchema = z.array(z.tuple([z.number(), z.coerce.bigint()]));

function streamParams(streamNext: ReadonlyMap<number, bigint>) {
  const ascending = [...streamNext].toSorted(([a], [b]) => a - b);
  return {
    partitions: [NO_PARTITION, ...ascending.map(([partition]) => partition)],
    stream_next: [0n, ...ascending.map(([, next]) => next)],
  };
}

/** Past every number that a partition can have. */
const NO_PARTITION = 65_536;

/** Past every offset. */
const ALL_READ = 2n ** 63n;

/**
 * The stream's next offsets, as far as evidence depends on them. Builds reject nothing at or past their
 * frontier, so a stream that has come to the last one has read all that they rejected, however much
 * further it is; else each commit of it would ask another question.
 */
export function streamNextForEvidence(
  streamNext: ReadonlyMap<number, bigint>,
  frontiers: readonly TruthFrontier[],
): Map<number, bigint> {
  const last = new Map<number, bigint>();
  for (const { partition, offset } of frontiers) {
    if (offset > (last.get(partition) ?? 0n)) last.set(partition, offset);
  }
  return new Map(
    [...streamNext].map(([partition, next]) => {
      return [partition, next >= (last.get(partition) ?? 0n) ? ALL_READ : next];
    }),
  );
}
