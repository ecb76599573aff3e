/**
 * `npm run soak:edge -- --minutes N`: the fault tests of the edge for longer. It is killed for N
 * minutes, and its logs are away for a whole minute each time. `--seed S` repeats the order of the
 * faults of a run that failed and said so.
 */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { ensureInstalled } from "./ensureInstalled.mjs";

const TESTS = ["killed", "outage", "diskFull", "stopped", "spool"];

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!(minutes > 0) || Number.isNaN(seed)) {
  console.error("Usage: npm run soak:edge -- --minutes N [--seed S]");
  process.exit(2);
}

console.log(`the order of faults: --seed ${seed}`);
await ensureInstalled();
const files = TESTS.map((name) => `apps/ingest/src/${name}.integration.test.ts`);
const soak = spawn(
  "vitest",
  ["run", "--project", "integration", "--no-file-parallelism", ...files],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      SOAK_MINUTES: String(minutes),
      FAULT_SEED: String(seed),
    },
  },
);
soak.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
