import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readDecisionFile } from "./readDecisionFile.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trueclick-decisions-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function read(text: string) {
  const file = join(dir, "partner.csv");
  await writeFile(file, text);
  return readDecisionFile(file);
}

const HEADER = "publisher_id,from,to,reason";
const RANGE = "2026-10-25T00:00:00Z,2026-10-25T01:00:00Z";

it("reads what a spreadsheet writes: a byte order mark, CRLF, commas and breaks in quotes", async () => {
  const text = `\uFEFF${HEADER}\r\n"pub,1",${RANGE},"said ""bad"",\r\ntwice"\r\n`;
  const range = {
    fromMs: Date.parse("2026-10-25T00:00:00Z"),
    toMs: Date.parse("2026-10-25T01:00:00Z"),
  };
  expect(await read(text)).toEqual([
    { scope: { publisherId: "pub,1" }, range, reason: 'said "bad",\r\ntwice' },
  ]);
});

// What is wrong with a file is told with its line; what a column says is never left unheard.
it.each([
  ["nothing", "", "line 1: the file has no header"],
  ["a misspelt column that is empty", `campain_id,${HEADER}\n,p1,${RANGE},x`, "unknown campain_id"],
  ["no column of a reason", `publisher_id,from,to\np1,${RANGE}`, "line 1: the header lacks reason"],
  ["a column twice", `publisher_id,${HEADER}\np1,p2,${RANGE},x`, "has publisher_id twice"],
  [
    "a column under both of its names",
    `publisher,${HEADER}\np1,p2,${RANGE},x`,
    "line 2: publisher",
  ],
  ["a NUL", `${HEADER}\np\0,${RANGE},x`, "holds a NUL"],
  [
    "an id that no event has",
    `${HEADER}\n${"p".repeat(65)},${RANGE},x`,
    "line 2: publisher has more",
  ],
  [
    "an event id that is none",
    `event_id,from,to,reason\na b,${RANGE},x`,
    "line 2: a b is no event id",
  ],
])("refuses %s", async (_what, text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

it("refuses a folder", async () => {
  await expect(readDecisionFile(dir)).rejects.toThrow("is a folder");
});
