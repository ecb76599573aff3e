import { describe, expect, it } from "vitest";
import type { LogFile } from "./logFile.ts";
import { ProgramGivenUpError, type RunningProgram, supervise } from "./supervisor.ts";

const log: LogFile = {
  path: "logs/edge.log",
  write: () => {},
  lastLines: () => ["it hurts"],
  close: async () => {},
};

const HASTY = { backoffMinMs: 1, backoffMaxMs: 4, goodRunMs: 60_000 };

/** A program whose runs end when told to. */
function createProgram(onStart: (run: number) => void = () => {}) {
  const runs: { end: () => void; ended: Promise<void> }[] = [];
  let stops = 0;
  const start = async (): Promise<RunningProgram> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    runs.push({ end: resolve, ended: promise });
    onStart(runs.length);
    const stop = async () => {
      stops += 1;
      resolve();
    };
    return { pid: runs.length, exited: promise, stop, kill: resolve };
  };
  const noted: number[] = [];
  const program = {
    name: "edge",
    log,
    start,
    onStart: async (pid: number) => void noted.push(pid),
  };
  return { program, runs, noted, stopsSoFar: () => stops };
}

describe("supervise", () => {
  it("starts a program again when it ends, and notes each new process", async () => {
    const second = Promise.withResolvers<void>();
    const { program, runs, noted } = createProgram((run) => {
      if (run === 2) second.resolve();
    });
    const supervision = await supervise(program, HASTY);
    runs[0]?.end();
    await second.promise;
    await supervision.stop();
    expect(noted).toEqual([1, 2]);
    await expect(supervision.ended).resolves.toBeUndefined();
  });

  it("stops for good when it is told to", async () => {
    const { program, runs, stopsSoFar } = createProgram();
    const supervision = await supervise(program, HASTY);
    await supervision.stop();
    expect(stopsSoFar()).toBe(1);
    expect(runs).toHaveLength(1);
  });

  // A program that cannot run must be told of, not started for ever.
  it("gives up a program that keeps ending at once, with its last words", async () => {
    const ending = createProgram((run) => queueMicrotask(() => ending.runs[run - 1]?.end()));
    const supervision = await supervise(ending.program, HASTY);
    await expect(supervision.ended).rejects.toThrow(ProgramGivenUpError);
    await expect(supervision.ended).rejects.toThrow(/it hurts/);
  });

  it("passes on what the very first start runs into", async () => {
    const { program } = createProgram(() => {
      throw new Error("the port is taken");
    });
    await expect(supervise(program)).rejects.toThrow(/port is taken/);
  });
});
