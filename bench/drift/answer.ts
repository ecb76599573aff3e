/** What drift answers, in the one form that contestants are compared in. */

/** Clicks of one campaign and hour that one side counted and the other did not, by what each says. */
export interface Cause {
  readonly campaign: string;
  /** Epoch seconds. */
  readonly hour: number;
  /** Of the stream; empty: it counted them. */
  readonly reason: string;
  /** Of truth; empty: it counted them. */
  readonly verdict: string;
  readonly events: number;
}

/** One line a cause with both sides disagreeing, sorted: equal texts, equal answers. */
export function causesText(causes: readonly Cause[]): string {
  return causes
    .filter(({ reason, verdict }) => (reason === "") !== (verdict === ""))
    .map(({ campaign, hour, reason, verdict, events }) => {
      return `${campaign} ${hour} ${reason} ${verdict} ${events}`;
    })
    .sort()
    .join("\n");
}
