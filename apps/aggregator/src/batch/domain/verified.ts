/** What comes of counting a version again by what was written down of it. */

/** `unverifiable`: what it was counted from cannot be had as it was. */
export type Outcome = "verified" | "differs" | "unverifiable";

/** A value that was written down, and the one that was found. */
export interface Compared<Value> {
  readonly recorded: Value;
  readonly found: Value;
}

export interface ComparedLine {
  readonly campaign: string;
  readonly clicks: Compared<number>;
  /** Micros of the currency, as text: they may pass 2^53. */
  readonly costMicros: Compared<string>;
}

/** How many objects were read in place of how many pinned ones, whose own bytes are no longer kept. */
export interface Compacted {
  readonly pinned: number;
  readonly read: number;
}

/** As it is kept, and told. */
export interface Verified {
  readonly outcome: Outcome;
  /** Why it is not verified, in words; null if it is. */
  readonly reason: string | null;
  readonly jobId: string;
  /** The code that judged, and the code that judged again. */
  readonly codeVersion: Compared<string | null>;
  readonly inputsHash: string;
  /** Null: nothing was judged. */
  readonly judgedHash: Compared<string> | null;
  /** Archive objects that were read, each found to have the bytes that it had. */
  readonly objects: number;
  /** Null: nothing was read, or nobody noted it. */
  readonly compacted: Compacted | null;
  readonly linesCompared: number;
  /** Of one line, that line; of a partition, those that differ. */
  readonly lines: readonly ComparedLine[];
}

/** Clicks and cost of the lines of two counts, by campaign. */
export function compareLines(
  recorded: readonly Line[],
  found: readonly Line[],
): readonly ComparedLine[] {
  const byId = (lines: readonly Line[]) => new Map(lines.map((line) => [line.campaignId, line]));
  const [before, after] = [byId(recorded), byId(found)];
  const campaigns = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return campaigns.map((campaign) => {
    const [one, other] = [before.get(campaign), after.get(campaign)];
    return {
      campaign,
      clicks: { recorded: one?.clicks ?? 0, found: other?.clicks ?? 0 },
      costMicros: { recorded: microsOf(one), found: microsOf(other) },
    };
  });
}

interface Line {
  readonly campaignId: string;
  readonly clicks: number;
  readonly costMicros: bigint;
}

const microsOf = (line: Line | undefined) => (line?.costMicros ?? 0n).toString();

export function isSame({ clicks, costMicros }: ComparedLine): boolean {
  return clicks.recorded === clicks.found && costMicros.recorded === costMicros.found;
}
