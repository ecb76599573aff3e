import { archiveCheckpoints } from "../postgres/schema/archive.ts";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";
import { rolledThrough } from "./streamState.ts";

/** How far both readers of the log are, by partition. Holds nothing of any tenant. */
export interface PipelineOffsets {
  readonly streamNext: ReadonlyMap<number, bigint>;
  readonly archiveNext: ReadonlyMap<number, bigint>;
  /**
   * Windows that end by then are closed in every partition, epoch milliseconds; null before any event.
   * The least of the stream's watermarks, or where hours are rolled up, if that is later: the watermark
   * of a partition that rests stays where it is, and its windows are closed all the same.
   */
  readonly closedMs: number | null;
}

/** One installation counts one topic, so a partition's number names it. */
export async function pipelineOffsets({ db }: Pick<Stores, "db">): Promise<PipelineOffsets> {
  const [stream, archive, rolledMs] = await Promise.all([
    db.select().from(streamCheckpoints),
    db.select().from(archiveCheckpoints),
    rolledThrough({ db }),
  ]);
  return offsetsOf(stream, archive, rolledMs);
}

interface NextOffset {
  readonly partition: number;
  readonly nextOffset: bigint;
}

/** The same from what was read. @param rolledMs Up to where hours are rolled up, epoch milliseconds. */
export function offsetsOf(
  stream: readonly (NextOffset & { readonly watermarkMs: number | null })[],
  archive: readonly NextOffset[],
  rolledMs: number | null,
): PipelineOffsets {
  return {
    streamNext: new Map(stream.map(({ partition, nextOffset }) => [partition, nextOffset])),
    archiveNext: new Map(archive.map(({ partition, nextOffset }) => [partition, nextOffset])),
    closedMs: greatestOf([leastOf(stream.map(({ watermarkMs }) => watermarkMs)), rolledMs]),
  };
}

function leastOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function greatestOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
