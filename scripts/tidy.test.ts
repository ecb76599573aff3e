/** What no linter covers: file length, words with one meaning, comments that will not age. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { LONGEST } from "./longestTests.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LINES_MAX = 300;

/** Tracked and new files, as git sees them: what is ignored is not ours to judge. */
function sourceFiles(...patterns: string[]): string[] {
  const listed = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ...patterns],
    { cwd: ROOT, encoding: "utf8" },
  );
  return listed.split("\0").filter((path) => path !== "" && !path.includes("migrations/meta"));
}

const read = (path: string) => readFileSync(`${ROOT}/${path}`, "utf8");

function offenders(files: readonly string[], offends: (text: string) => boolean): string[] {
  return files.filter((path) => offends(read(path)));
}

const code = sourceFiles("*.ts", "*.tsx", "*.mjs", "*.cjs", "*.css", "*.sql").filter(
  (path) => !path.includes("postgres/migrations/"),
);

describe("the tree stays readable", () => {
  it("finds code to judge", () => {
    expect(code.length).toBeGreaterThan(50);
  });

  it(`has no file of more than ${LINES_MAX} lines`, () => {
    const long = offenders(code, (text) => text.trimEnd().split("\n").length > LINES_MAX);
    expect(long).toEqual([]);
  });

  // A file that was renamed would be begun last again, and the others wait for it alone.
  it("knows the files that take longest by their names", () => {
    expect(code).toEqual(expect.arrayContaining([...LONGEST]));
    expect(new Set(LONGEST).size).toBe(LONGEST.length);
  });

  // An exception written into the code is seen by nobody; one in the tool's settings has a reason.
  it("turns off no check from within the code", () => {
    const inline = /biome-ignore|eslint-disable|@ts-(ignore|nocheck|expect-error)/;
    const judged = code.filter((path) => path !== "scripts/tidy.test.ts");
    expect(offenders(judged, (text) => inline.test(text))).toEqual([]);
  });

  it("leaves no test out, and none alone", () => {
    const tests = code.filter((path) => /\.(test|spec)\.tsx?$/.test(path));
    const left = /\b(it|test|describe)\.(only|todo|skip)\(/;
    const judged = tests.filter((path) => path !== "scripts/tidy.test.ts");
    expect(offenders(judged, (text) => left.test(text))).toEqual([]);
  });

  it("keeps promises and tickets out of comments", () => {
    const judged = code.filter((path) => path !== "scripts/tidy.test.ts");
    expect(offenders(judged, (text) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text))).toEqual([]);
  });

  it("re-exports nothing wholesale", () => {
    expect(offenders(code, (text) => /^export \* from/m.test(text))).toEqual([]);
  });

  it("numbers its ClickHouse migrations without a gap", () => {
    const numbers = sourceFiles("packages/db/src/clickhouse/migrations/*.sql")
      .map((path) => Number(path.split("/").at(-1)?.slice(0, 4)))
      .sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_number, index) => index + 1));
  });

  it("names no registry host and no download address in the lock file", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved": "https?:/);
  });
});
