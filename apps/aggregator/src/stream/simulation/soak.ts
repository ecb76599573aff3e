import type { Mutant } from "./mutant.ts";
import { simulate } from "./simulate.ts";

/** What went wrong, and how to see it again. */
export interface Failure {
  readonly seed: number;
  readonly findings: readonly string[];
  /** To be typed at the top of the repository. */
  readonly command: string;
}

/** Simulates seed after seed until one fails; null if none does. */
export async function firstFailure(
  { from, seeds }: { readonly from: number; readonly seeds: number },
  mutant?: Mutant,
): Promise<Failure | null> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const findings = await simulate(seed, mutant);
    const command = `npm run soak:stream -- --seeds 1 --from ${seed}`;
    if (findings.length > 0) return { seed, findings, command };
  }
  return null;
}
