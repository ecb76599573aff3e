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
  /** Conversions credited to its clicks; undefined where credits were not counted again. */
  readonly credited?: Compared<number> | undefined;
  /** Their value, micros as text. */
  readonly creditedValueMicros?: Compared<string> | undefined;
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
  /** Hash of that with what was credited. Null: nothing was to be credited, or it was not counted again. */
  readonly contentHash: Compared<string> | null;
  /** Archive objects that were read, each found to have the bytes that it had. */
  readonly objects: number;
  /** Null: nothing was read, or nobody noted it. */
  readonly compacted: Compacted | null;
  readonly linesCompared: number;
  /** Of one line, that line; of a partition, those that differ. */
  readonly lines: readonly ComparedLine[];
}

/**
 * Clicks and cost of the lines of two counts, by campaign.
 *
 * @param withCredits Compares what was credited too.
 */
export function compareLines(
  recorded: readonly Line[],
  found: readonly Line[],
  withCredits: boolean,
): readonly ComparedLine[] {
  const byId = (lines: readonly Line[]) => new Map(lines.map((line) => [line.campaignId, line]));
  const [before, after] = [byId(recorded), byId(found)];
  const campaigns = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return campaigns.map((campaign) => {
    const [one, other] = [before.get(campaign) ?? NOTHING, after.get(campaign) ?? NOTHING];
    return {
      campaign,
      clicks: { recorded: one.clicks, found: other.clicks },
      costMicros: texts(one.costMicros, other.costMicros),
      ...(withCredits && {
        credited: { recorded: one.credited, found: other.credited },
        creditedValueMicros: texts(one.creditedValueMicros, other.creditedValueMicros),
      }),
    };
  });
}

interface Line {
  readonly campaignId: string;
  readonly clicks: number;
  readonly costMicros: bigint;
  readonly credited: number;
  readonly creditedValueMicros: bigint;
}

const NOTHING = { clicks: 0, costMicros: 0n, credited: 0, creditedValueMicros: 0n };

function texts(recorded: bigint, found: bigint): Compared<string> {
  return { recorded: recorded.toString(), found: found.toString() };
}

/** Of all that was compared. */
export function isSame(line: ComparedLine): boolean {
  const { credited, creditedValueMicros } = line;
  return (
    isBilledTheSame(line) &&
    [credited, creditedValueMicros].every((value) => value === undefined || isEqual(value))
  );
}

export function isBilledTheSame({ clicks, costMicros }: ComparedLine): boolean {
  return isEqual(clicks) && isEqual(costMicros);
}

export function isEqual({ recorded, found }: Compared<unknown>): boolean {
  return recorded === found;
}
