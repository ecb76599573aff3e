/**
 * Processor seconds rather than seconds on the wall: on a machine that others use too, the wall
 * says how busy they are.
 */
import { readFileSync } from "node:fs";

/** Clock ticks of `/proc` in a second; 100 on every Linux that Node runs on. */
export const TICKS_PER_S = 100;

/** Of this process, all its threads, user and system. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Of another process on this machine, all its threads. */
export function cpuSecondsOf(pid: number): number {
  const fields = processFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** What `/proc` tells of a process, from its state on. @throws when it has ended. Linux only. */
export function processFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before them, in brackets, may hold spaces.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
