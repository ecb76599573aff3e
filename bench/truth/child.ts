/** Peers run in processes of their own, so that each has the whole machine's memory to itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { z } from "zod";

const resultSchema = z.object({
  ms: z.number(),
  /** Processor time of all threads. */
  cpuMs: z.number(),
  peakMb: z.number(),
  /** Clicks by verdict, copies left out. */
  verdicts: z.record(z.string(), z.number()),
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

const TICK_MS = 10;

/** Processor time of all threads of a process since it began, milliseconds. Linux only. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before it may hold spaces, but ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
