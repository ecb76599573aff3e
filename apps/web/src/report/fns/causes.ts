import { isVerdict, VERDICT_TEXT } from "@trueclick/shared/verdict";

/** A cause of drift, in the words of the reader. */
export interface CauseWords {
  /** A few words for a list. */
  readonly name: string;
  /** What is done with such clicks, for the sentence: `380 bot clicks taken out`. */
  readonly inSentence: string;
  /** One sentence that explains it. */
  readonly means: string;
}

const WORDS: Readonly<Record<string, Omit<CauseWords, "means"> & { readonly means?: string }>> = {
  late: {
    name: "Late clicks",
    inSentence: "late clicks",
    means: "They reached us too late for the live estimate; billing counts them all the same.",
  },
  duplicate: { name: "Duplicates", inSentence: "duplicates" },
  id_conflict: { name: "Conflicting copies", inSentence: "conflicting copies" },
  bot_user_agent: { name: "Robots", inSentence: "robot clicks" },
  not_a_browser: { name: "Not a browser", inSentence: "clicks without a browser" },
  datacenter_ip: { name: "Data centres", inSentence: "data centre clicks" },
  prefetch: { name: "Prefetched", inSentence: "prefetched clicks" },
  double_click: { name: "Double clicks", inSentence: "double clicks" },
  velocity: { name: "Too fast", inSentence: "clicks faster than a person" },
  publisher_blocked: { name: "Blocked publisher", inSentence: "clicks of blocked publishers" },
  manual: { name: "Reviewed", inSentence: "clicks marked by a reviewer" },
  token_bad: { name: "Forged token", inSentence: "clicks with forged tokens" },
  token_expired: { name: "Expired token", inSentence: "clicks with expired tokens" },
  unlinked: { name: "No unused impression", inSentence: "clicks without an unused impression" },
  unknown_campaign: { name: "Campaign unknown", inSentence: "clicks of a campaign new to us" },
  inactive_campaign: { name: "Campaign not running", inSentence: "clicks outside of a campaign" },
  test: { name: "Test traffic", inSentence: "test clicks" },
  unparseable: {
    name: "Unreadable",
    inSentence: "unreadable clicks",
    means: "The live estimate could not read them.",
  },
  not_streamed_yet: {
    name: "Not in the live estimate yet",
    inSentence: "clicks the live estimate has yet to read",
    means: "Billing has counted them; the live estimate will within seconds.",
  },
  not_in_truth_yet: {
    name: "Not counted for billing yet",
    inSentence: "clicks not counted for billing yet",
    means: "They came after the last count for billing; the next one takes them in.",
  },
  not_archived_yet: {
    name: "Not archived yet",
    inSentence: "clicks not archived yet",
    means: "They are in the log, and will be in the archive at its next write.",
  },
  being_recounted: {
    name: "Being counted again",
    inSentence: "clicks of hours being counted again",
    means: "Late clicks are being added to the live estimate of the hour; done within a minute.",
  },
  in_flight: {
    name: "Still arriving",
    inSentence: "clicks still arriving",
    means: "The hour is open: both sides are still reading it.",
  },
};

/** The words of a cause; one without words is called by its code. */
export function causeWords(cause: string): CauseWords {
  const words = WORDS[cause] ?? { name: cause, inSentence: cause };
  const verdictText = isVerdict(cause) ? VERDICT_TEXT[cause] : undefined;
  return { ...words, means: words.means ?? verdictText ?? words.name };
}
