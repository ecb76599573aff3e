/** Peers run in processes of their own, so that each has the whole machine's memory to itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
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

/** A peer that did not come to an answer, and why: no fault of the bench. */
export class PeerFailedError extends Error {}

export interface PeerLimits {
  /** Told to the peer, which is to put on disk what is more. */
  readonly memoryMb: number;
  /** Where it may; removed afterwards. */
  readonly scratchDir: string;
}

/** Beyond what a peer was told: what it holds and does not reckon. Past it, it is stopped. */
const UNRECKONED_MB = 3_000;
/** What is left to everybody else on the machine. */
const AVAILABLE_MB_MIN = 1_500;
const WATCH_INTERVAL_MS = 100;
/** A peer that takes longer has lost. */
const PEER_MS_MAX = 3_600_000;
const MESSAGE_LENGTH_MAX = 400;

/** @throws {PeerFailedError} when the peer does not end well, or takes more than it may. */
export async function runPeer(
  program: string,
  words: readonly string[],
  { memoryMb, scratchDir }: PeerLimits,
): Promise<PeerResult> {
  await mkdir(scratchDir, { recursive: true });
  const child = spawn(
    process.execPath,
    [`${import.meta.dirname}/${program}`, ...words, String(memoryMb), scratchDir],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let stoppedFor: string | null = null;
  const startedMs = performance.now();
  const watch = setInterval(() => {
    stoppedFor ??= reasonToStop(child.pid ?? 0, memoryMb, performance.now() - startedMs);
    if (stoppedFor !== null) child.kill("SIGKILL");
  }, WATCH_INTERVAL_MS);
  try {
    const ended = once(child, "exit");
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await ended;
    if (code === 0) return resultSchema.parse(JSON.parse(output));
    throw new PeerFailedError(stoppedFor ?? messageIn(errors));
  } finally {
    clearInterval(watch);
    await rm(scratchDir, { recursive: true, force: true });
  }
}

function reasonToStop(pid: number, memoryMb: number, ms: number): string | null {
  const usedMb = megabytesIn(`/proc/${pid}/status`, "VmRSS");
  if (usedMb > memoryMb + UNRECKONED_MB) {
    return `stopped: it was told to use ${memoryMb} MB and used ${Math.round(usedMb)}`;
  }
  if (megabytesIn("/proc/meminfo", "MemAvailable") < AVAILABLE_MB_MIN) {
    return `stopped: the machine had less than ${AVAILABLE_MB_MIN} MB left`;
  }
  return ms > PEER_MS_MAX ? `stopped after ${PEER_MS_MAX / 60_000} minutes` : null;
}

/** The line that says what went wrong, of a peer's last words. */
function messageIn(errors: string): string {
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  // Node's own lines about an exception that nobody caught have no such colon.
  const told = lines.find((line) => /(error|exception):/i.test(line)) ?? lines.at(-1) ?? "no word";
  return told.trim().slice(0, MESSAGE_LENGTH_MAX);
}

/** Most memory that a process has had since it was started, or since `forgetPeak`. Linux only. */
export function peakMb(pid: number | "self"): number {
  return Math.round(megabytesIn(`/proc/${pid}/status`, "VmHWM"));
}

/** Not a number where there is no such file, or no such line, any more. */
function megabytesIn(file: string, name: string): number {
  try {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "utf8"));
    return Number(found?.[1]) / 1_024;
  } catch {
    return Number.NaN;
  }
}

const TICK_MS = 10;

/** Processor time of all threads of a process since it began, milliseconds. Linux only. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before it may hold spaces, but ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
