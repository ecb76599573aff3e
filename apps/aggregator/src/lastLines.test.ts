import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { lastLinesWritten } from "@trueclick/shared/process/lastLines";
import { expect, it } from "vitest";

const PROGRAM = `
  import { lastLinesWritten } from "@trueclick/shared/process/lastLines";
  import { pino } from "pino";
  const lines = pino.destination(process.stdout.fd);
  const logger = pino({}, lines);
  for (const line of ["stopping", "stopped"]) logger.info(line);
  await lastLinesWritten(lines);
  process.exit();
`;

// An exit right behind them has the first line at a thread, writes the second, then the first.
it("leaves the last lines of a program in their order", async () => {
  const words = ["--input-type=module", "--eval", PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, words, {
    cwd: import.meta.dirname,
  });
  const said = stdout
    .trimEnd()
    .split("\n")
    .map((line) => /"msg":"(\w+)"/.exec(line)?.[1]);
  expect(said).toEqual(["stopping", "stopped"]);
});

it("does not wait for ever for a reader that is gone", async () => {
  let isEnded = false;
  const end = () => {
    isEnded = true;
  };
  await lastLinesWritten({ end, once: () => {} }, 1);
  expect(isEnded).toBe(true);
});
