/** How hard and how long the fault tests treat the edge; a soak treats it longer. */

const MINUTE_MS = 60_000;
/** A soak gives others: a routine run is to fail for what the code does, not for what was drawn. */
const SEED_DEFAULT = 20_261_126;

function numberOf(name: string, fallback: number): number {
  const text = process.env[name];
  return text === undefined || text === "" ? fallback : Number(text);
}

/** Minutes of each fault test, from `npm run soak:edge`; null in a routine run. */
const soakMinutes = numberOf("SOAK_MINUTES", 0);

export const faultPlan = {
  /** Of the order of faults. A soak gives its own as `FAULT_SEED`, and says which. */
  seed: numberOf("FAULT_SEED", SEED_DEFAULT),
  /** Kills of the edge, at least. */
  killsMin: numberOf("FAULT_KILLS", 100),
  /** How long kills go on, at least, milliseconds. */
  killingMs: soakMinutes * MINUTE_MS,
  /** How long a log is away, milliseconds: a whole minute when there is time. */
  outageMs: soakMinutes > 0 ? MINUTE_MS : numberOf("FAULT_OUTAGE_MS", 2_500),
  /** How long a test may take, milliseconds. */
  timeoutMs: 8 * MINUTE_MS + 2 * soakMinutes * MINUTE_MS,
} as const;

/** Numbers from 0, inclusive, to 1, exclusive, the same for the same seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs a test and tells its seed if it fails. */
export async function withSeed(test: (random: () => number) => Promise<void>): Promise<void> {
  try {
    await test(randomOf(faultPlan.seed));
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`FAULT_SEED=${faultPlan.seed} brings this again: ${words}`, { cause });
  }
}
