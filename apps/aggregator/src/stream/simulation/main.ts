/**
 * `npm run soak:stream -- --seeds N --from S`: simulates the stream under N seeds from S on. A seed
 * that fails is printed with what was wrong and the command that runs it again, exactly.
 */
import { parseArgs } from "node:util";
import { firstFailure } from "./soak.ts";

const SEEDS_A_LINE = 5_000;

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "20000" }, from: { type: "string", default: "1" } },
});
const from = Number.parseInt(values.from, 10);
const seeds = Number.parseInt(values.seeds, 10);

for (let done = 0; done < seeds; done += SEEDS_A_LINE) {
  const some = { from: from + done, seeds: Math.min(SEEDS_A_LINE, seeds - done) };
  const failure = await firstFailure(some);
  if (failure !== null) {
    const { seed, findings, command } = failure;
    process.stderr.write(`seed ${seed}:\n  ${findings.join("\n  ")}\nagain: ${command}\n`);
    process.exitCode = 1;
    break;
  }
  process.stdout.write(`seeds ${some.from} to ${some.from + some.seeds - 1}: all held\n`);
}
