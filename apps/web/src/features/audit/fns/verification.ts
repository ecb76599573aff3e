import type { ApiOutputs } from "../../../shell/apiTypes.ts";
import { formatCount } from "../../../shell/fns/format.ts";

export type Verification = NonNullable<ApiOutputs["audit"]["verification"]>;
export type Verified = NonNullable<Verification["verified"]>;

/**
 * What was checked, in some sentences.
 *
 * @param contentHash Of the version: another than what was judged has where conversions were credited.
 */
export function checkedSentence(verified: Verified, contentHash: string | null): string {
  const { judgedHash, objects, linesCompared, codeVersion } = verified;
  if (judgedHash === null) return "Nothing was counted again.";
  const files = `${formatCount(objects)} ${objects === 1 ? "file was" : "files were"} read and hashed`;
  const lines = `${formatCount(linesCompared)} ${linesCompared === 1 ? "line" : "lines"} compared`;
  const isSame = judgedHash.recorded === judgedHash.found;
  const judged = `What was judged has ${isSame ? "the same" : "another"} fingerprint`;
  const isOther = codeVersion.recorded !== codeVersion.found;
  const other = isOther ? " Another version of the program counted than published it." : "";
  const fingerprint = `${judged} (${judgedHash.found.slice(0, 10)}…).`;
  return `${files}, ${lines}. ${fingerprint}${creditsSentence(verified, contentHash)}${mergedSentence(verified)}${other}`;
}

/** Of files that are no longer what was read when it was counted. Empty where all are. */
function mergedSentence({ compacted }: Verified): string {
  if (compacted === null || compacted.pinned === 0) return "";
  const { pinned, read } = compacted;
  const [instead, were] = read === 1 ? ["file", "was"] : [`${formatCount(read)} files`, "were"];
  return ` ${formatCount(pinned)} files of then are no longer kept; the ${instead} that took their events in ${were} read instead.`;
}

/** What conversions were credited with is hashed beside what was judged. */
function creditsSentence(
  { contentHash: content, judgedHash }: Verified,
  published: string | null,
): string {
  if (content !== null) {
    const isSame = content.recorded === content.found;
    return ` Credits of conversions, counted again too, have ${isSame ? "the same" : "another"} fingerprint.`;
  }
  // Nothing to credit; or counted again by a program that did not know how.
  return published === judgedHash?.recorded
    ? ""
    : " Credits of conversions were not counted again.";
}
