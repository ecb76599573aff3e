/**
 * The parts of `npm test`, in order: cheap ones first, so that a slip is seen in seconds. Those of a
 * group run side by side: each of them keeps one core at work.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/** A check that has not ended by then hangs, and counts as failed. */
const CHECK_TIMEOUT_MS = 25 * 60_000;
/** More files than these are no accident of one machine. */
const REPEATED_FILES_MAX = 3;
/** Characters of a failure that the end of the run repeats. */
const FAILURE_TEXT_MAX = 600;
/** What Node compiled of a program is there for the next process that runs it. */
const COMPILED = join(import.meta.dirname, "../node_modules/.cache/trueclick/compiled");
const results = mkdtempSync(join(tmpdir(), "trueclick-test-"));

/**
 * Runs one command with the terminal's output, or with a file's, and answers its exit code.
 *
 * @param {string} command @param {readonly string[]} args @param {Record<string, string>} [env]
 * @param {import("node:child_process").StdioOptions} [stdio]
 * @returns {Promise<number>}
 */
function run(command, args, env = {}, stdio = "inherit") {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...{ stdio, env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, ...env } },
      ...{ timeout: CHECK_TIMEOUT_MS, killSignal: "SIGKILL" },
    });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on("exit", (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/**
 * @typedef {{ passed: number, failed: number, skipped: number, notes: readonly string[] }} Counts
 *   `notes` name what failed, and what passed only when it was repeated
 * @typedef {{ name: string, run: () => Promise<Counts> }} Check
 */

/** A command that only passes or fails counts as one check. What it says is shown when it ends. */
const single = (name, command, ...args) => ({
  name,
  run: async () => {
    const said = join(results, `${name.replaceAll(" ", "-")}.txt`);
    const file = openSync(said, "w");
    const code = await run(command, args, {}, ["ignore", file, file]);
    closeSync(file);
    process.stdout.write(readFileSync(said));
    const isGood = code === 0;
    return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0, notes: [] };
  },
});

/** A runner that failed without saying which test (a crash, a broken setup) is one failure. */
function withExit(counts, code) {
  if (code === 0 || counts.failed > 0) return counts;
  return { ...counts, failed: 1, notes: [...counts.notes, `failed: ended with code ${code}`] };
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** One run of Vitest: its counts, its exit code, and the files that failed. */
async function runVitest(project, attempt, files = []) {
  const output = join(results, `${project}${attempt}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  const code = await run("vitest", ["run", "--project", project, ...reporters, ...files]);
  const report = readJson(output) ?? {};
  const failedFiles = (report.testResults ?? []).filter(({ status }) => status === "failed");
  const notes = failedFiles.flatMap(({ name, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const failed = assertionResults.filter(({ status }) => status === "failed");
    if (failed.length === 0) return [`${file}: ${message}`];
    return failed.map(({ fullName, failureMessages }) => {
      const text = failureMessages.map((message) => message.split("\n    at ")[0]).join("\n");
      return `${file}: ${fullName}\n${text.slice(0, FAILURE_TEXT_MAX)}`;
    });
  });
  return {
    code,
    failedFiles: failedFiles.map(({ name }) => relative(process.cwd(), name)),
    counts: {
      passed: report.numPassedTests ?? 0,
      failed: report.numFailedTests ?? 0,
      skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
      notes,
    },
  };
}

/**
 * Tests of real processes wait for engines that share a machine with whatever else runs there. A
 * file of them that fails is run once more, alone, and what then passes is told at the end of the
 * run by its name: never silently. Tests of pure code get no second try.
 */
const vitest = (name, project, { repeats = false } = {}) => ({
  name,
  run: async () => {
    const first = await runVitest(project, "");
    const failed = withExit(
      { ...first.counts, notes: first.counts.notes.map((note) => `failed: ${note}`) },
      first.code,
    );
    const files = first.failedFiles;
    if (!repeats || files.length === 0 || files.length > REPEATED_FILES_MAX) return failed;
    console.log(`\nrepeating ${files.join(", ")}`);
    const second = await runVitest(project, "-repeated", files);
    const repeated = withExit(second.counts, second.code);
    return {
      passed: first.counts.passed + Math.max(0, first.counts.failed - repeated.failed),
      failed: repeated.failed,
      skipped: first.counts.skipped,
      notes:
        repeated.failed > 0
          ? repeated.notes.map((note) => `failed twice: ${note}`)
          : first.counts.notes.map((note) => `PASSED ONLY WHEN REPEATED: ${note}`),
    };
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
    const flaky = stats.flaky ?? 0;
    const counts = {
      passed: (stats.expected ?? 0) + flaky,
      failed: stats.unexpected ?? 0,
      skipped: stats.skipped ?? 0,
      notes: flaky === 0 ? [] : [`PASSED ONLY WHEN REPEATED: ${flaky} journeys, named above`],
    };
    return withExit(counts, code);
  },
});

/** @type {readonly (readonly Check[])[]} */
export const CHECKS = [
  [single("types", "turbo", "run", "typecheck", "--output-logs=errors-only")],
  [
    single("format and lint", "biome", "check", "."),
    single("dependency rules", "npm", "run", "--silent", "lint:deps"),
    single("dead code", "knip"),
    single("web build", "node", "scripts/buildWeb.mjs"),
  ],
  [vitest("unit and property tests", "unit")],
  [vitest("integration and contract tests", "integration", { repeats: true })],
  [vitest("whole pipeline, and the SDK in a browser", "pipeline", { repeats: true })],
  [playwright("end to end in a browser")],
];
