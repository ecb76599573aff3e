import type { Slice } from "../domain/slices.ts";
import type { Build, TruthEngine } from "../ports/truthEngine.ts";

/** Prepares slices, also before all copies in other hours are known: again where there are others. */
export interface PreparedSlices {
  /** Begins to prepare slices that will probably be judged. What fails is told by `prepare`. */
  begin(build: Build, slices: readonly Slice[], threads: number): void;
  /** Ends once the slice is prepared as it is now. @throws what the engine throws. */
  prepare(build: Build, slice: Slice, threads: number): Promise<void>;
  /** Ends once nothing is being prepared any more. Never throws. */
  ended(): Promise<void>;
}

type Preparing = Pick<TruthEngine, "prepare" | "discard">;

export function preparingOnce(engine: Preparing): PreparedSlices {
  const begun = new Map<number, { readonly read: string; readonly done: Promise<void> }>();
  return {
    begin(build, slices, threads) {
      for (const slice of slices) {
        const done = engine.prepare(build, slice, threads);
        // Told to whoever asks for the slice; nobody may.
        done.catch(() => {});
        begun.set(slice.firstHourMs, { read: readBy(slice), done });
      }
    },

    async prepare(build, slice, threads) {
      const own = begun.get(slice.firstHourMs);
      if (own?.read === readBy(slice)) return own.done;
      // It has other copies than were known, or other hours are judged with it than was thought.
      if (own !== undefined) {
        await Promise.allSettled([own.done]);
        await engine.discard(build, slice);
      }
      await engine.prepare(build, slice, threads);
    },

    async ended() {
      await Promise.allSettled([...begun.values()].map(({ done }) => done));
    },
  };
}

/** All that is read of a slice; the other inputs of a job are read once, before anything is begun. */
function readBy({ objects, following, copies, preceding, lastHourMs }: Slice): string {
  const read = [objects, following, copies, preceding];
  return JSON.stringify([lastHourMs, read.map((some) => some.map(({ path }) => path))]);
}
