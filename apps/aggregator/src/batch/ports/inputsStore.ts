import type { RuleInForce } from "@trueclick/shared/verdict/rules";
import type { PinnedInputs, PinnedObject } from "../domain/inputs.ts";
import type { Job } from "./jobQueue.ts";

/** What can be known of a job's inputs without asking the engine for copies. */
export interface BaseInputs extends Omit<PinnedInputs, "copies" | "codeVersion"> {
  /** Paths of the copies that the current version was judged by; the index may have forgotten them. */
  readonly knownCopies: readonly string[];
}

/** The rules to judge by, given those in force: what is tried before it is decided. */
export type RuleTrial = (inForce: readonly RuleInForce[]) => readonly RuleInForce[];

/** Where inputs come from and where they are pinned. */
export interface InputsStore {
  /** Reads manifest, campaigns, rates, rules and decisions as they are at one instant. */
  read(job: Job, trial?: RuleTrial): Promise<BaseInputs>;
  /**
   * The archived objects that hold the events of the named ones. A name that the manifest does not
   * have, left by an attempt that died, leads to the objects that got its events later, if any.
   */
  resolve(paths: readonly string[]): Promise<readonly PinnedObject[]>;
  /** Writes down what the job judges by, before it does. @throws {JobLostError} */
  pin(jobId: bigint, inputs: PinnedInputs, inputsHash: string): Promise<void>;
}
