import { describe, expect, it } from "vitest";
import { runCli } from "./program.ts";

/** Runs a command in a folder where no stack was ever started. */
async function run(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const stdout = { write: (text: string) => out.push(text) };
  const stderr = { write: (text: string) => err.push(text), isTTY: false, columns: 80 };
  const { signal } = new AbortController();
  const env = { TRUECLICK_DATA: "/nonexistent/trueclick" };
  const code = await runCli(args, {
    ...{ env, root: "/nonexistent", stdin: process.stdin, stdout, stderr },
    ...{ stop: signal, force: signal },
  });
  return { code, out: out.join(""), err: err.join("") };
}

const VERBS = [
  ["start"],
  ["events", "send"],
  ["events", "from-weblog"],
  ["campaigns", "import"],
  ["attribution", "set"],
  ["attribution", "list"],
  ["campaigns", "pause"],
  ["campaigns", "activate"],
  ["batch", "run"],
  ["batch", "status"],
  ["batch", "cancel"],
  ["batch", "diff"],
  ["batch", "sweep"],
  ["recompute"],
  ["backtest"],
  ["rules", "list"],
  ["rules", "set"],
  ["fraud", "add"],
  ["fraud", "import"],
  ["fraud", "list"],
  ["fraud", "revoke"],
  ["trace"],
  ["verify", "partition"],
  ["verify", "line"],
  ["archive", "check"],
  ["keys", "create", "source"],
  ["keys", "create", "api"],
  ["keys", "revoke"],
  ["quarantine", "list"],
  ["quarantine", "replay"],
  ["keys", "list"],
  ["keys", "rotate"],
  ["tokens", "mint"],
  ["tokens", "keys", "add"],
  ["tokens", "keys", "list"],
  ["tokens", "keys", "retire"],
  ["demo"],
];

describe("the command line", () => {
  // Scripts tell a mistake of theirs (2) from a failure of ours (1) by the exit code.
  it.each([
    ["an unknown verb", ["frobnicate"]],
    ["an unknown option", ["batch", "run", "--frob"]],
    ["a missing argument", ["trace"]],
    ["a number that is none", ["demo", "--rate", "fast"]],
    [
      "a time without a zone",
      ["demo", "--events", "1", "--from", "2026-11-01", "--to", "2026-11-02"],
    ],
    ["a role that is none", ["keys", "create", "api", "--name", "x", "--role", "king"]],
    ["a day that is none", ["batch", "run", "--day", "2026-13-40"]],
    ["a day of a year that no store has", ["batch", "run", "--day", "0000-01-01"]],
    [
      "a version past every one",
      [
        "batch",
        "diff",
        "--advertiser",
        "a",
        "--day",
        "2026-11-01",
        "--before",
        "1",
        "--after",
        "2147483648",
      ],
    ],
    [
      "a time of a year that no store has",
      ["rules", "set", "velocity_user", "--off", "--from", "0000-01-01T00:00:00Z", "--reason", "x"],
    ],
    ["a first day that is none", ["recompute", "--from", "today", "--to", "2026-11-01"]],
    ["days in the wrong order", ["recompute", "--from", "2026-11-02", "--to", "2026-11-01"]],
    ["half a command", ["keys", "create"]],
  ])("ends with 2 on %s, and tells scripts as JSON", async (_case, args) => {
    expect(await run(...args)).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/./) });
    const { code, out } = await run(...args, "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({
      error: { code: "bad_arguments", message: expect.stringMatching(/^(?!error:)./) },
    });
  });

  it("tells its version", async () => {
    expect(await run("--version")).toMatchObject({ code: 0, out: "0.1.0\n" });
  });

  it.each(VERBS)("has --json and help: %s", async (...verb) => {
    const { code, out } = await run(...verb.flat(), "--help");
    expect(code).toBe(0);
    expect(out).toContain("--json");
  });

  it("ends with 1 and says what to do where no stack is known", async () => {
    const { code, err } = await run("batch", "status");
    expect(code).toBe(1);
    expect(err).toContain("npm start");
  });

  it("answers errors as JSON where JSON was asked for", async () => {
    const { code, out } = await run("trace", "event-0001", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "no_stack" } });
  });
});
