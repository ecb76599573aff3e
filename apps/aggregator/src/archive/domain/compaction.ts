import type { HourObject } from "@trueclick/archive/domain/manifestObject";

export interface CompactionLimits {
  /** An object with as many rows is large enough, and so is a merged one. */
  readonly rowsMax: number;
  /** Fewer objects than this in a row are left as they are: merging them saves too little. */
  readonly objectsMin: number;
  /** Bytes of all objects of one merge: they are read into memory. */
  readonly bytesMax: number;
}

/**
 * The runs of small objects that are worth merging, each of one event hour and partition. Objects of
 * a run follow one another, so the merged one holds all rows of its hour between its offsets.
 *
 * @param objects Those that readers read, by hour, partition and offset.
 */
export function planCompactions(
  objects: readonly HourObject[],
  { rowsMax, objectsMin, bytesMax }: CompactionLimits,
): HourObject[][] {
  const runs: HourObject[][] = [];
  let run: HourObject[] = [];
  let rows = 0;
  let bytes = 0;
  const end = () => {
    if (run.length >= objectsMin) runs.push(run);
    run = [];
    rows = 0;
    bytes = 0;
  };
  for (const object of objects) {
    const [first] = run;
    const isOther =
      first !== undefined &&
      (first.eventHourMs !== object.eventHourMs || first.partition !== object.partition);
    if (isOther || rows + object.rows > rowsMax || bytes + object.bytes > bytesMax) end();
    // One that is large by itself is a run of one, which is none.
    run.push(object);
    rows += object.rows;
    bytes += object.bytes;
  }
  end();
  return runs;
}
