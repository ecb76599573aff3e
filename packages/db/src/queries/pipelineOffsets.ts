import { archiveCheckpoints } from "../postgres/schema/archive.ts";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";

/** How far both readers of the log are, by partition. Holds nothing of any tenant. */
export interface PipelineOffsets {
  readonly streamNext: ReadonlyMap<number, bigint>;
  readonly archiveNext: ReadonlyMap<number, bigint>;
  /** The least of the stream's watermarks, epoch milliseconds; null before any event. */
  readonly watermarkMs: number | null;
}

/** One installation counts one topic, so a partition's number names it. */
export async function pipelineOffsets({ db }: Pick<Stores, "db">): Promise<PipelineOffsets> {
  const [stream, archive] = await Promise.all([
    db.select().from(streamCheckpoints),
    db.select().from(archiveCheckpoints),
  ]);
  return {
    streamNext: new Map(stream.map(({ partition, nextOffset }) => [partition, nextOffset])),
    archiveNext: new Map(archive.map(({ partition, nextOffset }) => [partition, nextOffset])),
    watermarkMs: leastOf(stream.map((checkpoint) => checkpoint.watermarkMs)),
  };
}

function leastOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}
