import { expect, it } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { RECOVERY_MUTANTS } from "./recoveryMutants.ts";
import { simulate } from "./simulate.ts";
import { firstFailure } from "./soak.ts";

const SEEDS = 2_000;
/** Within which each mutant must be noticed; the hardest needs some tens. */
const MUTANT_SEEDS = 200;
/** For a loaded machine; alone, it takes seconds. */
const PATIENCE_MS = 300_000;

it(
  "counts everything once, whatever fails, in whichever order",
  async () => {
    expect(await firstFailure({ from: 1, seeds: SEEDS })).toBeNull();
  },
  PATIENCE_MS,
);

it.each([...MUTANTS, ...RECOVERY_MUTANTS])(
  "notices a stream that $name",
  async (mutant) => {
    const failure = await firstFailure({ from: mutant.from ?? 1, seeds: MUTANT_SEEDS }, mutant);
    expect(failure).not.toBeNull();
    // And again in the same words, or nobody could look for the cause.
    expect(await simulate(failure?.seed ?? 0, mutant)).toEqual(failure?.findings);
  },
  PATIENCE_MS,
);
