/**
 * Processor seconds rather than seconds on the wall: on a machine that others use too, the wall
 * says how busy they are.
 */
import { readFileSync } from "node:fs";

/** Clock ticks of `/proc` in a second; 100 on every Linux that Node runs on. */
const TICKS_PER_S = 100;

/** Of this process, all its threads, user and system. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Of another process on this machine. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in brackets, may hold spaces; the 12th and 13th fields after it are the times.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}
