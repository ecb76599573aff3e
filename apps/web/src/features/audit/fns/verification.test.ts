import { describe, expect, it } from "vitest";
import { checkedSentence, type Verified } from "./verification.ts";

const same = "a".repeat(64);
const VERIFIED: Verified = {
  outcome: "verified",
  reason: null,
  jobId: "1",
  codeVersion: { recorded: "truth-1", found: "truth-1" },
  inputsHash: same,
  judgedHash: { recorded: same, found: same },
  contentHash: null,
  objects: 1,
  compacted: { pinned: 0, read: 0 },
  linesCompared: 2,
  lines: [],
};

describe("what was checked of a version that was counted again", () => {
  it("says what was read, compared and found", () => {
    expect(checkedSentence(VERIFIED, same)).toBe(
      "1 file was read and hashed, 2 lines compared. What was judged has the same fingerprint (aaaaaaaaaa…).",
    );
  });

  it("says that the fingerprint or the program is another", () => {
    const judgedHash = { recorded: same, found: "b".repeat(64) };
    const codeVersion = { recorded: "truth-1", found: "truth-2" };
    const told = checkedSentence({ ...VERIFIED, judgedHash, codeVersion, objects: 1_200 }, same);
    expect(told).toBe(
      "1,200 files were read and hashed, 2 lines compared. What was judged has another fingerprint (bbbbbbbbbb…). Another version of the program counted than published it.",
    );
  });

  it("says of credits whether they were counted again, and came to the same", () => {
    const published = "c".repeat(64);
    const told = (found: string | null) => {
      const contentHash = found === null ? null : { recorded: published, found };
      return checkedSentence({ ...VERIFIED, contentHash }, published);
    };
    expect(told(published)).toMatch(
      / Credits of conversions, counted again too, have the same fingerprint\.$/,
    );
    expect(told(same)).toMatch(
      / Credits of conversions, counted again too, have another fingerprint\.$/,
    );
    // By a program of before.
    expect(told(null)).toMatch(/ Credits of conversions were not counted again\.$/);
  });

  it.each([
    [
      { pinned: 2, read: 1 },
      " 2 files of then are no longer kept; the file that took their events in was read instead.",
    ],
    [
      { pinned: 1_200, read: 12 },
      " 1,200 files of then are no longer kept; the 12 files that took their events in were read instead.",
    ],
  ])("says which files are not those that it was counted from: %o", (compacted, told) => {
    expect(checkedSentence({ ...VERIFIED, compacted }, same)).toContain(told);
    expect(checkedSentence({ ...VERIFIED, compacted: null }, same)).not.toContain("kept");
  });

  it("claims nothing where nothing was judged", () => {
    expect(checkedSentence({ ...VERIFIED, judgedHash: null }, same)).toBe(
      "Nothing was counted again.",
    );
  });
});
