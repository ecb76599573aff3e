/** Takes down what a start has put up, in the right order, however far it came. */

interface Stoppable {
  stop(): Promise<void>;
  /** Ends it at once. */
  kill?(): void;
}

/** Parts are stopped rank by rank; those of one rank at the same time. */
export const STOP_RANKS = ["traffic", "edge", "readers", "engines"] as const;
export type StopRank = (typeof STOP_RANKS)[number];

export interface Teardown {
  add(rank: StopRank, part: Stoppable): void;
  /** Stops everything, once; further calls wait for the first. */
  run(): Promise<void>;
  /** For a user who will not wait. */
  kill(): void;
}

export function createTeardown(): Teardown {
  const parts: { readonly rank: StopRank; readonly part: Stoppable }[] = [];
  let running: Promise<void> | null = null;
  const stopAll = async () => {
    for (const rank of STOP_RANKS) {
      const ofRank = parts.filter((entry) => entry.rank === rank);
      // One that cannot be stopped must not keep the others alive.
      await Promise.allSettled(ofRank.map(({ part }) => part.stop()));
    }
  };
  return {
    add: (rank, part) => void parts.push({ rank, part }),
    run: () => {
      running ??= stopAll();
      return running;
    },
    kill: () => {
      for (const { part } of parts) part.kill?.();
    },
  };
}
