import { causeWords } from "../../../report/fns/causes.ts";
import { formatCount } from "../../../shell/fns/format.ts";

export interface DriftFact {
  readonly stream: number;
  readonly truth: number;
  /** Signed: positive where the live estimate counted more. */
  readonly causes: Readonly<Record<string, number>>;
  readonly unexplained: number;
}

export interface DriftSummary {
  readonly stream: number;
  readonly truth: number;
  /** Live estimate less billing. */
  readonly difference: number;
  /** Largest first, either way; without zeros. */
  readonly causes: readonly { readonly cause: string; readonly difference: number }[];
  readonly unexplained: number;
}

/** Adds up drift over campaigns and hours. What the causes leave over stays `unexplained`. */
export function summariseDrift(rows: readonly DriftFact[]): DriftSummary {
  const causes = new Map<string, number>();
  let [stream, truth, unexplained] = [0, 0, 0];
  for (const row of rows) {
    stream += row.stream;
    truth += row.truth;
    unexplained += row.unexplained;
    for (const [cause, difference] of Object.entries(row.causes)) {
      causes.set(cause, (causes.get(cause) ?? 0) + difference);
    }
  }
  return {
    stream,
    truth,
    difference: stream - truth,
    unexplained,
    causes: [...causes]
      .map(([cause, difference]) => ({ cause, difference }))
      .filter(({ difference }) => difference !== 0)
      .sort((left, right) => Math.abs(right.difference) - Math.abs(left.difference)),
  };
}

/** Causes that the sentence names; the rest is "other causes". */
const NAMED_MAX = 3;

/** The drift in one plain sentence. */
export function driftSentence(summary: DriftSummary): string {
  const { difference, causes, unexplained } = summary;
  if (difference === 0 && causes.length === 0 && unexplained === 0) {
    return "Billing and live estimate agree to the click.";
  }
  const named = causes.slice(0, NAMED_MAX).map(({ cause, difference: by }) => {
    const what = counted(Math.abs(by), causeWords(cause).inSentence);
    return by > 0 ? `${what} taken out` : `${what} added`;
  });
  const rest = causes.slice(NAMED_MAX).reduce((sum, { difference: by }) => sum + by, 0);
  if (causes.length > NAMED_MAX) {
    named.push(`${formatCount(Math.abs(rest))} by other causes ${rest >= 0 ? "less" : "more"}`);
  }
  if (unexplained !== 0) named.push(`${formatCount(Math.abs(unexplained))} not explained`);
  return `${headline(difference)}: ${named.join(", ")}.`;
}

/** @param things In the plural: the first of its words that has a singular is what is counted. */
function counted(count: number, things: string): string {
  const one = () =>
    things.replace(/\b(?:(click|duplicate)s|(cop)ies)\b/, (_all, word, stem) => word ?? `${stem}y`);
  return `${formatCount(count)} ${count === 1 ? one() : things}`;
}

function headline(difference: number): string {
  if (difference === 0) return "Billing and live estimate agree in sum";
  const by = formatCount(Math.abs(difference));
  return `Billing is ${by} ${difference > 0 ? "lower" : "higher"} than the live estimate`;
}
