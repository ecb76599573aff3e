/**
 * Verdicts: what became of an event, in the words of the MRC and IAB guidelines on invalid traffic.
 * An event keeps its verdict and is never deleted.
 */

export const VERDICT_CLASSES = [
  "counted",
  "duplicate",
  "givt",
  "sivt",
  "integrity",
  "test",
] as const;
export type VerdictClass = (typeof VERDICT_CLASSES)[number];

/** Every verdict and its class. The order in which the first match wins is that of the rules. */
export const VERDICT_CLASS = {
  valid: "counted",
  duplicate: "duplicate",
  id_conflict: "duplicate",
  bot_user_agent: "givt",
  not_a_browser: "givt",
  datacenter_ip: "givt",
  prefetch: "givt",
  double_click: "sivt",
  velocity: "sivt",
  publisher_blocked: "sivt",
  manual: "sivt",
  token_bad: "integrity",
  token_expired: "integrity",
  unlinked: "integrity",
  unknown_campaign: "integrity",
  inactive_campaign: "integrity",
  test: "test",
} as const satisfies Record<string, VerdictClass>;

export type Verdict = keyof typeof VERDICT_CLASS;

export function isVerdict(word: string): word is Verdict {
  return Object.hasOwn(VERDICT_CLASS, word);
}

/** What a user reads in place of the verdict's code. */
export const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  valid: "Counted and billable.",
  duplicate: "The same event was received before; it counts once.",
  id_conflict: "The same event id came with different contents; the first one counts.",
  bot_user_agent: "Sent by a known robot.",
  not_a_browser: "Sent by something that is not a known browser.",
  datacenter_ip: "Sent from a data centre, where people do not browse.",
  prefetch: "Loaded ahead by the browser, not clicked by a person.",
  double_click: "A second click of the same person on the same ad within seconds.",
  velocity: "More clicks than a person makes in that time.",
  publisher_blocked: "The publisher is blocked.",
  manual: "Marked invalid by a reviewer.",
  token_bad: "The click token was forged or damaged.",
  token_expired: "The click token was too old.",
  unlinked: "No impression that was issued, and not used up before, stands behind this click.",
  unknown_campaign: "The campaign is not known here.",
  inactive_campaign: "The campaign was not running at that time.",
  test: "Test traffic: kept, never counted or billed.",
};

/** Why the stream did not count an event. `late` exists only there: truth has no deadline. */
export type StreamRejectReason = Exclude<Verdict, "valid"> | "late" | "unparseable";

/** The facts about one event on which the stream decides, all of them cheap to know. */
export interface QuickFacts {
  readonly test: boolean;
  readonly campaignKnown: boolean;
  readonly flags: readonly string[];
}

const FLAG_VERDICTS = [
  ["bot_user_agent", "bot_user_agent"],
  ["datacenter_ip", "datacenter_ip"],
  ["prefetch", "prefetch"],
  ["token_bad", "token_bad"],
  ["token_expired", "token_expired"],
] as const;

/**
 * The verdict that needs nothing but the event itself: what the stream counts by, and the first
 * part of what truth counts by. First match wins: test traffic, then unknown campaign, then flags.
 */
export function quickVerdict({ test, campaignKnown, flags }: QuickFacts): Verdict {
  if (test) return "test";
  if (!campaignKnown) return "unknown_campaign";
  for (const [flag, verdict] of FLAG_VERDICTS) {
    if (flags.includes(flag)) return verdict;
  }
  return "valid";
}
