/** A contestant in a process of its own: told to begin a round, it answers with what it took. */
import { z } from "zod";

const measured = z.object({ seconds: z.number(), cpuSeconds: z.number() });
/** What a round took, by the clock and of the process on the processor. */
export type Measured = z.infer<typeof measured>;

export const roundSchema = z.object({ measured, digest: z.string().nullable() });
/** The digest is of what was counted; null where that lies in the stores. */
export type Round = z.infer<typeof roundSchema>;
export type RunRound = () => Promise<Round>;

/** Begins to measure; what it answers with ends it. */
export function measureCpu(): () => Measured {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - startedMs) / 1_000;
    return { seconds, cpuSeconds: (user + system) / 1e6 };
  };
}

/** Runs a round at each message, until the parent is gone. */
export function serveRounds(run: RunRound): void {
  process.on("message", () => {
    run().then(
      (round) => process.send?.(round),
      (error: unknown) => {
        process.stderr.write(`${error}\n`);
        process.exit(1);
      },
    );
  });
  process.on("disconnect", () => process.exit());
  process.send?.("ready");
}
