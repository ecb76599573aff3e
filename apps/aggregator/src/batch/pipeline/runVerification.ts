import { hash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "../domain/canonicalJson.ts";
import { hashedInputs, type PinnedInputs } from "../domain/inputs.ts";
import { canonicalContent } from "../domain/truth.ts";
import { compareLines, isSame, type Verified } from "../domain/verified.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import type {
  FoundInputs,
  RecordedLine,
  RecordedVersion,
  Verification,
  Verifications,
} from "../ports/verifications.ts";
import { judgeTrial, type TrialStores } from "./judgeTrial.ts";
import { checkingOnce } from "./objectChecks.ts";
import type { JobStores } from "./runJob.ts";

export interface VerificationStores
  extends TrialStores,
    Pick<JobStores, "objects" | "codeVersion"> {
  readonly verifications: Verifications;
}

/**
 * Counts a version again from the archive, by the inputs that were written down when it was counted, and
 * compares (invariant I5): the hash of the inputs, the bytes of every object, the hash of all that was
 * judged, and the lines. Publishes nothing. What conversions were credited with is not counted again.
 *
 * @throws whatever a store throws; the verification is begun again then.
 */
export async function runVerification(
  stores: VerificationStores,
  verification: Verification,
  signal: AbortSignal,
): Promise<Verified> {
  let recorded = await stores.verifications.recorded(verification);
  for (let look = 1; ; look += 1) {
    const { found } = recorded;
    const unread = {
      jobId: recorded.jobId.toString(),
      codeVersion: { recorded: recorded.codeVersion, found: stores.codeVersion },
      inputsHash: recorded.inputsHash,
      judgedHash: null,
      ...{ objects: 0, compacted: null, linesCompared: 0, lines: [] },
    };
    if (typeof found === "string") return { outcome: "unverifiable", reason: found, ...unread };
    const wrong = wrongInputs(recorded, found.inputs);
    if (wrong !== null) return { outcome: "differs", reason: wrong, ...unread };
    try {
      return {
        ...unread,
        ...(await countedAgain(stores, verification, { ...recorded, ...found }, signal)),
      };
    } catch (error) {
      if (!(error instanceof JobRefusedError)) throw error;
      // Damaged, missing, or not what the manifest says: the message names it. Unless it was kept no longer
      // than until it was about to be read, which accuses nobody.
      recorded = await stores.verifications.recorded(verification);
      if (look === LOOKS_MAX || isFoundAsBefore(found, recorded.found)) {
        return { outcome: "differs", reason: error.message, ...unread };
      }
    }
  }
}

/** Objects are removed in one pass once they were kept long enough, of which one may come at any time. */
const LOOKS_MAX = 3;

function isFoundAsBefore(before: FoundInputs, now: FoundInputs | string): boolean {
  return typeof now !== "string" && isDeepStrictEqual(before, now);
}

/** What the inputs are that do not have the hash of those that were written down; null if they have. */
function wrongInputs({ inputsJson, inputsHash }: RecordedVersion, inputs: PinnedInputs) {
  const { objects } = hashedInputs(inputs);
  const found = hash("sha256", canonicalJson({ inputs: inputsJson, objects }));
  return found === inputsHash
    ? null
    : `the inputs that are written down have the hash ${found}, not ${inputsHash}`;
}

async function countedAgain(
  stores: VerificationStores,
  { campaignId }: Verification,
  { inputs, mixed, compacted, ...recorded }: Omit<RecordedVersion, "found"> & FoundInputs,
  signal: AbortSignal,
) {
  const read = new Set<string>();
  const check = checkingOnce(stores.objects);
  const noting: typeof check = async (objects, aborted) => {
    for (const { path } of objects) read.add(path);
    await check(objects, aborted);
  };
  const summary = await judgeTrial(stores, inputs, noting, signal);
  const judgedHash = {
    recorded: recorded.judgedHash,
    found: hash("sha256", canonicalContent(inputs, summary)),
  };
  const isAsked = (line: RecordedLine) => campaignId === null || line.campaignId === campaignId;
  const compared = compareLines(recorded.lines.filter(isAsked), summary.lines.filter(isAsked));
  const differing = compared.filter((line) => !isSame(line));
  const isEqual = judgedHash.found === judgedHash.recorded && differing.length === 0;
  return {
    ...(isEqual ? { outcome: "verified" as const, reason: null } : otherCount(mixed)),
    judgedHash,
    objects: read.size,
    compacted,
    linesCompared: compared.length,
    lines: campaignId === null ? differing : compared,
  };
}

/** With events that came later the count may be another; without, it must not be. */
function otherCount(mixed: readonly string[]): Pick<Verified, "outcome" | "reason"> {
  const [first] = mixed;
  return first === undefined
    ? { outcome: "differs", reason: "what was counted again is not what was published" }
    : {
        outcome: "unverifiable",
        reason: `${first} holds other events beside those that were counted: they were compacted together`,
      };
}
