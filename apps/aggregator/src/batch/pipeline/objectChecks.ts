import type { ObjectStore } from "@trueclick/archive/objectStore";
import type { PinnedObject } from "../domain/inputs.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import { allEnded } from "./allEnded.ts";

/** Throws for an object that is missing or damaged. */
export type CheckObjects = (pinned: readonly PinnedObject[], signal: AbortSignal) => Promise<void>;

/** Objects that one caller has read at once; a bucket's are in memory whole, some tens of megabytes each. */
const CHECKS_MAX = 4;

/** Checks objects against their hashes, each once, whoever asks at the same time. */
export function checkingOnce(objects: Pick<ObjectStore, "sha256">): CheckObjects {
  const checks = new Map<string, Promise<void>>();
  const check = (pin: PinnedObject): Promise<void> => {
    const known = checks.get(pin.path) ?? checkObject(objects, pin);
    checks.set(pin.path, known);
    return known;
  };
  return async (pinned, signal) => {
    for (let start = 0; start < pinned.length; start += CHECKS_MAX) {
      signal.throwIfAborted();
      await Promise.all(pinned.slice(start, start + CHECKS_MAX).map(check));
    }
  };
}

/**
 * Does something with objects while they are still being checked: reading and hashing is work of this
 * process, what is done with them mostly the engine's. Ends when both have, so that nothing of a job
 * is at work once it has failed. What is done must not be believed before.
 *
 * @throws what `checked` throws, whatever damaged bytes did to the other; else what that throws.
 */
export async function whileChecked<T>(checked: Promise<void>, act: () => Promise<T>): Promise<T> {
  const [, done] = await allEnded([checked, act()]);
  return done;
}

async function checkObject(objects: Pick<ObjectStore, "sha256">, pin: PinnedObject): Promise<void> {
  const found = await objects.sha256(pin.path);
  if (found === null) throw new JobRefusedError(`archive object ${pin.path} is missing`);
  if (found === pin.sha256) return;
  throw new JobRefusedError(
    `archive object ${pin.path} is damaged: its sha256 is ${found}, the manifest says ${pin.sha256}`,
  );
}
