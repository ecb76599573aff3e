/** Peers run in processes of their own, so that each has the whole machine's memory to itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { z } from "zod";

const resultSchema = z.object({
  ms: z.number(),
  peakMb: z.number(),
  distinct: z.number(),
});
export type PeerResult = z.infer<typeof resultSchema>;

/** @throws {Error} when the peer does not end well. */
export async function runPeer(program: string, words: readonly string[]): Promise<PeerResult> {
  const child = spawn(process.execPath, [`${import.meta.dirname}/${program}`, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
  return resultSchema.parse(JSON.parse(output));
}

/** Most memory that a process has had since it was started, or since `forgetPeak`. Linux only. */
export function peakMb(pid: number | "self"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024);
}
