/**
 * Where the keys of a slice lie while it is judged: on the engine's disk, in the table that all slices
 * share, or in its memory, in a table of the slice's own.
 */
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { SECOND_MS } from "@trueclick/shared/time";
import { dropRows, KEYS_ON_DISK } from "../domain/sliceSql.ts";
import type { Slice } from "../domain/slices.ts";
import type { Build } from "../ports/truthEngine.ts";
import { type MemoryTablesLike, memoryTables, memoryTablesProgram } from "./memoryTables.ts";

/** What may be in memory; a row of the keys takes some 160 bytes there. */
export interface KeysMemory {
  /** Rows of one slice of many, as its objects have them. */
  readonly sliceRowsMax: number;
  /** Of one of the few slices of a job, which has hardly more than it to hold. */
  readonly fewRowsMax: number;
  /** Rows of all slices that are at work, and of those that attempts that died have left. */
  readonly rowsMax: number;
}

/** 200 MB, and 560: an hour of 50 million clicks a day with a million that came late. */
export const KEYS_MEMORY: KeysMemory = {
  sliceRowsMax: 1_250_000,
  fewRowsMax: 3_500_000,
  rowsMax: 3_500_000,
};

const tablesOf = (rowsMax: number): MemoryTablesLike => {
  // No build has the number 0, so that no slice finds the mark among its keys.
  return { like: KEYS_ON_DISK, marked: "build_id", step: "batch.keys", rowsMax };
};

type OfBuild = Pick<Build, "jobId">;
type OfSlice = Pick<Slice, "firstHourMs" | "objects">;

export interface SliceKeys {
  /**
   * Tells where the keys of a slice are to be written, and makes the table if it is of its own.
   *
   * @param isOfFew Its job has few slices.
   * @returns The table.
   */
  create(build: OfBuild, slice: OfSlice, isOfFew: boolean): Promise<string>;
  /** The table of a slice whose keys are written. */
  tableOf(build: OfBuild, slice: OfSlice): string;
  /** @throws when keys are gone from memory, as all are once the engine was started anew. */
  requireWhole(build: OfBuild, slice: OfSlice): Promise<void>;
  /** Idempotent. */
  drop(build: OfBuild, slice: OfSlice): Promise<void>;
  /** Drops what is in memory of a build, whatever its slices came to. Never throws: what is left goes by its age. */
  release(jobId: bigint): Promise<void>;
}

export function createSliceKeys(
  clickhouse: ClickHouseClient,
  settings: ClickHouseSettings,
  { sliceRowsMax, fewRowsMax, rowsMax }: KeysMemory,
): SliceKeys {
  const memory = memoryTables(clickhouse, settings, tablesOf(rowsMax));
  /** The tables in memory that this process has made, and of which build each is. */
  const own = new Map<string, bigint>();
  const isOwn = (build: OfBuild, slice: OfSlice) => own.has(nameOf(build, slice));

  return {
    async create(build, slice, isOfFew) {
      const rows = slice.objects.reduce((sum, object) => sum + object.rows, 0);
      if (rows > (isOfFew ? fewRowsMax : sliceRowsMax)) return KEYS_ON_DISK;
      const table = nameOf(build, slice);
      own.set(table, build.jobId);
      if (await memory.make(table, rows)) return table;
      own.delete(table);
      return KEYS_ON_DISK;
    },

    tableOf: (build, slice) => (isOwn(build, slice) ? nameOf(build, slice) : KEYS_ON_DISK),

    async requireWhole(build, slice) {
      if (isOwn(build, slice)) await memory.requireWhole(nameOf(build, slice));
    },

    async drop(build, slice) {
      if (isOwn(build, slice)) {
        await memory.drop(nameOf(build, slice));
        own.delete(nameOf(build, slice));
        return;
      }
      await clickhouse.command({
        query: dropRows(KEYS_ON_DISK, slice),
        query_params: { buildId: build.jobId.toString() },
        clickhouse_settings: { ...settings, log_comment: `batch.drop.${KEYS_ON_DISK}` },
      });
    },

    async release(jobId) {
      const tables = [...own].filter(([, ofJob]) => ofJob === jobId).map(([table]) => table);
      await Promise.all(tables.map(memory.release));
      for (const table of tables) own.delete(table);
    },
  };
}

/** No other build has this id, and no other slice of the build this hour. */
const nameOf = ({ jobId }: OfBuild, { firstHourMs }: OfSlice) =>
  `${KEYS_ON_DISK}_${jobId}_${firstHourMs / SECOND_MS}`;

/** The SQL by which the keys of a slice are kept, by the names of its queries. */
export const SLICE_KEYS_PROGRAM: Readonly<Record<string, string>> = {
  ...memoryTablesProgram(tablesOf(0)),
  [`batch.drop.${KEYS_ON_DISK}`]: dropRows(KEYS_ON_DISK, { firstHourMs: 0 }),
};
