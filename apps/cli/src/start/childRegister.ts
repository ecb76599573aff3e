/** Notes the processes of a start on disk, so that the next one can end what a killed one left. */
import { setTimeout as pause } from "node:timers/promises";
import { sendSignal } from "@trueclick/local-stack/process";
import { z } from "zod";
import type { DataDir } from "../stack/dataDir.ts";
import { writePrivateFile } from "../stack/files.ts";
import { readJsonFile } from "../stack/stackFile.ts";
import { findProcess, isRunning, type ProcessRef, processRefSchema } from "./processIdentity.ts";

const registerSchema = z.record(z.string(), processRefSchema);

/** Orphans end by themselves as soon as we are gone; this is for one that is stuck. */
const GRACE_MS = 5_000;
const POLL_MS = 50;

export interface ChildRegister {
  /** Notes the process that now bears the name. */
  note(name: string, pid: number): Promise<void>;
}

export function createChildRegister(data: DataDir): ChildRegister {
  const children = new Map<string, ProcessRef>();
  let writing: Promise<void> = Promise.resolve();
  return {
    async note(name, pid) {
      const ref = await findProcess(pid);
      if (ref === null) return;
      children.set(name, ref);
      const text = JSON.stringify(Object.fromEntries(children));
      // One after the other, so that the last one written is the last one noted.
      writing = writing.then(() => writePrivateFile(data.file("children"), text));
      await writing;
    },
  };
}

/**
 * Ends what is left of a start that died: asks, and after `graceMs` insists. Returns the names of
 * those that still ran.
 */
export async function endOrphans(data: DataDir, graceMs = GRACE_MS): Promise<string[]> {
  const children = (await readJsonFile(data.file("children"), registerSchema)) ?? {};
  const ended = await Promise.all(
    Object.entries(children).map(async ([name, ref]) => ((await end(ref, graceMs)) ? name : null)),
  );
  return ended.filter((name) => name !== null);
}

async function end(ref: ProcessRef, graceMs: number): Promise<boolean> {
  if (!(await isRunning(ref))) return false;
  sendSignal(ref.pid, "SIGTERM");
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline) {
    if (!(await isRunning(ref))) return true;
    await pause(POLL_MS);
  }
  if (await isRunning(ref)) sendSignal(ref.pid, "SIGKILL");
  while (await isRunning(ref)) await pause(POLL_MS);
  return true;
}
