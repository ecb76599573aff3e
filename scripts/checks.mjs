/** The parts of `npm test`, in order: cheap ones first, so that a slip is seen in seconds. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const results = mkdtempSync(join(tmpdir(), "trueclick-test-"));

/**
 * Runs one command with the terminal's output and answers its exit code.
 *
 * @param {string} command @param {readonly string[]} args @param {Record<string, string>} [env]
 * @returns {Promise<number>}
 */
function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on("exit", (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ name: string, run: () => Promise<Counts> }} Check
 */

/** A command that only passes or fails counts as one check. */
const single = (name, command, ...args) => ({
  name,
  run: async () => {
    const code = await run(command, args);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  },
});

/** A runner that failed without saying which test (a crash, a broken setup) is one failure. */
function withExit(counts, code) {
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

const vitest = (name, project) => ({
  name,
  run: async () => {
    const file = join(results, `${project}.json`);
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const code = await run("vitest", ["run", "--project", project, ...reporters]);
    const report = readJson(file) ?? {};
    const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0);
    const counts = {
      passed: report.numPassedTests ?? 0,
      failed: report.numFailedTests ?? 0,
      skipped,
    };
    return withExit(counts, code);
  },
});

const playwright = (name) => ({
  name,
  run: async () => {
    const file = join(results, "e2e.json");
    const code = await run("playwright", ["test", "--config", "e2e/playwright.config.ts"], {
      PLAYWRIGHT_JSON_OUTPUT_FILE: file,
    });
    const stats = readJson(file)?.stats ?? {};
    // A test that passed only when repeated is a failure that nobody would hear of.
    const failed = (stats.unexpected ?? 0) + (stats.flaky ?? 0);
    return withExit({ passed: stats.expected ?? 0, failed, skipped: stats.skipped ?? 0 }, code);
  },
});

/** @type {readonly Check[]} */
export const CHECKS = [
  single("format and lint", "biome", "check", "."),
  single("types", "turbo", "run", "typecheck", "--output-logs=errors-only"),
  single("dependency rules", "npm", "run", "--silent", "lint:deps"),
  single("dead code", "knip"),
  vitest("unit and property tests", "unit"),
  vitest("integration and contract tests", "integration"),
  single("web build", "node", "scripts/buildWeb.mjs"),
  vitest("whole pipeline, and the SDK in a browser", "pipeline"),
  playwright("end to end in a browser"),
];
