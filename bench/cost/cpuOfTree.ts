/** What a program takes, with those that it starts. Linux only. */
import { readdirSync } from "node:fs";
import { processFields, TICKS_PER_S } from "../stream/cpuTime.ts";

/** Processor seconds of a process and all below it so far, those that have ended too. */
export function cpuSecondsOfTree(pid: number): number {
  const statuses = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStatus(Number(name)) ?? []);
  const of = new Set([pid]);
  // Children may be listed before their parents.
  for (let before = 0; before < of.size; ) {
    before = of.size;
    for (const { id, parent } of statuses) if (of.has(parent)) of.add(id);
  }
  return statuses.filter(({ id }) => of.has(id)).reduce((sum, { seconds }) => sum + seconds, 0);
}

interface Status {
  readonly id: number;
  readonly parent: number;
  /** Of itself and of its children that were waited for. */
  readonly seconds: number;
}

function readStatus(id: number): Status | null {
  try {
    const fields = processFields(id);
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { id, parent: Number(fields[1]), seconds: ticks / TICKS_PER_S };
  } catch {
    return null; // It ended meanwhile; its parent has its time.
  }
}
