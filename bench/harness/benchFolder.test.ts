import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeBenchFolder } from "./benchFolder.ts";

it("removes what dead runs left, and neither a living one's folder nor anything else", async () => {
  const parent = mkdtempSync(join(tmpdir(), "bench-folder-test-"));
  try {
    const { pid: dead } = spawnSync(process.execPath, ["--version"]);
    const kept = [`trueclick-bench-${process.pid}-aaaaaa`, "trueclick-bench-abc", "other"];
    for (const name of [...kept, `trueclick-bench-${dead}-bbbbbb`]) mkdirSync(join(parent, name));
    const made = await makeBenchFolder(parent);
    expect(
      readdirSync(parent)
        .map((name) => join(parent, name))
        .sort(),
    ).toEqual([...kept.map((name) => join(parent, name)), made].sort());
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
