/**
 * `npm run soak:properties -- --rounds N`: the property tests, N times, each time with another seed.
 * `--project integration` takes those on real engines, `--seed S` repeats the round of a run that
 * failed and said so, and words after them choose files. Tells what failed, and the seed of each.
 */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { ensureInstalled } from "./ensureInstalled.mjs";

const ROOT = join(import.meta.dirname, "..");
const SEEDS = 2 ** 31;
/** A round that has not ended by then hangs, and counts as failed. */
const ROUND_TIMEOUT_MS = 30 * 60_000;

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "20" },
    project: { type: "string", default: "unit" },
    seed: { type: "string" },
  },
});
const rounds = values.seed === undefined ? Number(values.rounds) : 1;
if (!(Number.isSafeInteger(rounds) && rounds > 0)) {
  console.error("Usage: npm run soak:properties -- [--rounds N] [--project P] [--seed S] [word…]");
  process.exit(2);
}

/** Test files of the project that draw. */
function drawingFiles() {
  const isOfEngines = (file) => file.endsWith(".integration.test.ts");
  return globSync("{apps,packages}/**/*.test.ts", { cwd: ROOT, exclude: ["**/node_modules"] })
    .filter((file) => isOfEngines(file) === (values.project === "integration"))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .filter((file) => /\bfc\./.test(readFileSync(join(ROOT, file), "utf8")));
}

/** One round; what failed in it, by file and name, with the first words of why. */
async function round(files, seed, report) {
  const args = ["run", "--project", values.project, "--reporter=json", `--outputFile=${report}`];
  const code = await new Promise((resolve, reject) => {
    const child = spawn("vitest", [...args, ...files], {
      ...{ cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] },
      ...{ timeout: ROUND_TIMEOUT_MS, killSignal: "SIGKILL" },
      env: { ...process.env, PROPERTY_SEED: String(seed) },
    });
    child.on("error", reject);
    child.on("exit", (status) => resolve(status ?? 1));
  });
  if (code === 0) return [];
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(ROOT, name);
    const failed = assertionResults.filter((result) => result.status === "failed");
    if (status === "failed" && failed.length === 0) return [`${file}\n${message}`];
    return failed.map((test) => `${file}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
  });
  return failures.length > 0 ? failures : [`no test failed, and it ended with code ${code}`];
}

await ensureInstalled();
const files = drawingFiles();
if (files.length === 0) {
  console.error(`No property test of the project ${values.project} has one of these words`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "trueclick-soak-"));
let failedRounds = 0;
try {
  for (let at = 1; at <= rounds; at += 1) {
    const seed = values.seed === undefined ? randomInt(SEEDS) : Number(values.seed);
    const from = Date.now();
    const failures = await round(files, seed, join(folder, `${at}.json`));
    if (failures.length > 0) failedRounds += 1;
    const seconds = ((Date.now() - from) / 1000).toFixed(0);
    const outcome = failures.length === 0 ? "ok" : "FAILED";
    console.log(`${at} of ${rounds}: ${outcome}, PROPERTY_SEED=${seed}, ${seconds} s`);
    for (const failure of failures) console.log(`\n${failure}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${files.length} files, ${rounds} rounds, ${failedRounds} failed`);
process.exitCode = failedRounds === 0 ? 0 : 1;
