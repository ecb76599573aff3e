/** The processes of a running stack, by the name that the start command knows them by. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { eventually } from "./api.ts";

const childrenFile = z.record(z.string(), z.object({ pid: z.number() }));

export function pidOf(dataDir: string, name: string): number {
  const children = childrenFile.parse(
    JSON.parse(readFileSync(join(dataDir, "children.json"), "utf8")),
  );
  const child = children[name];
  if (child === undefined) throw new Error(`no ${name} among ${Object.keys(children).join(", ")}`);
  return child.pid;
}

/** Kills a program as a power cut would, and waits until the start command has put up another. */
export async function killNine(dataDir: string, name: string): Promise<void> {
  const pid = pidOf(dataDir, name);
  process.kill(pid, "SIGKILL");
  const next = await eventually(
    async () => pidOf(dataDir, name),
    (now) => now !== pid,
    30_000,
  );
  if (next === pid) throw new Error(`${name} was not started again`);
}
