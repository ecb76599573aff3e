import { hash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "../domain/canonicalJson.ts";
import { withCredits } from "../domain/credits.ts";
import { hashedInputs, type PinnedInputs } from "../domain/inputs.ts";
import { canonicalContent } from "../domain/truth.ts";
import {
  compareLines,
  isBilledTheSame,
  isEqual,
  isSame,
  type Verified,
} from "../domain/verified.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";
import type {
  FoundInputs,
  RecordedLine,
  RecordedVersion,
  Verification,
  Verifications,
} from "../ports/verifications.ts";
import { contentHashOf } from "./contentHash.ts";
import { type CreditStores, creditAgain } from "./creditAgain.ts";
import { type TrialStores, withTrial } from "./judgeTrial.ts";
import { checkingOnce } from "./objectChecks.ts";
import type { JobStores } from "./runJob.ts";

export interface VerificationStores
  extends TrialStores,
    Omit<CreditStores, "check">,
    Pick<JobStores, "objects" | "codeVersion"> {
  readonly verifications: Verifications;
}

/**
 * Counts a version again from the archive, by the inputs that were written down when it was counted, and
 * compares (invariant I5): the hash of the inputs, the bytes of every object, the hash of all that was
 * judged and credited, and the lines. Publishes nothing.
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
      ...{ judgedHash: null, contentHash: null },
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
  recorded: Omit<RecordedVersion, "found"> & FoundInputs,
  signal: AbortSignal,
) {
  const { inputs, attribution, mixed, compacted } = recorded;
  const read = new Set<string>();
  const checking = checkingOnce(stores.objects);
  const check: typeof checking = async (objects, aborted) => {
    for (const { path } of objects) read.add(path);
    await checking(objects, aborted);
  };
  const counted = await withTrial(stores, inputs, check, signal, async (build, summary) => {
    const credits =
      attribution === null
        ? null
        : await creditAgain({ ...stores, check }, build, attribution, summary, signal);
    return { summary, credits };
  });
  const judged = hash("sha256", canonicalContent(inputs, counted.summary));
  const judgedHash = { recorded: recorded.judgedHash, found: judged };
  const content = contentHashOf(judged, counted.credits);
  const contentHash =
    attribution === null ? null : { recorded: recorded.contentHash, found: content };
  const found = withCredits(counted.summary.lines, counted.credits).map((line) => ({
    ...line,
    credited: line.attributedConversions,
    creditedValueMicros: line.attributedValueMicros,
  }));
  const isAsked = (line: RecordedLine) => campaignId === null || line.campaignId === campaignId;
  const compared = compareLines(
    recorded.lines.filter(isAsked),
    found.filter(isAsked),
    attribution !== null,
  );
  const differing = compared.filter((line) => !isSame(line));
  const isJudgedSame = isEqual(judgedHash) && differing.every(isBilledTheSame);
  const isAllEqual =
    [judgedHash, contentHash].every((hashes) => hashes === null || isEqual(hashes)) &&
    differing.length === 0;
  return {
    ...(isAllEqual
      ? { outcome: "verified" as const, reason: null }
      : otherCount(mixed, isJudgedSame)),
    ...{ judgedHash, contentHash, compacted },
    objects: read.size,
    linesCompared: compared.length,
    lines: campaignId === null ? differing : compared,
  };
}

/** With events that came later the count may be another; without, it must not be. */
function otherCount(
  mixed: readonly string[],
  isJudgedSame: boolean,
): Pick<Verified, "outcome" | "reason"> {
  const [first] = mixed;
  if (first !== undefined) {
    const reason = `${first} holds other events beside those that were counted: they were compacted together`;
    return { outcome: "unverifiable", reason };
  }
  const what = isJudgedSame ? "what conversions are credited with" : "what was counted again";
  return { outcome: "differs", reason: `${what} is not what was published` };
}
