import { VERDICT_TEXT, type Verdict } from "@trueclick/shared/verdict";

/**
 * One rule of truth: events that meet its predicate get its verdict, unless a rule before it was
 * met. A rule never changes once it has judged a published version; a new one has a new version.
 */
export interface VerdictRule {
  readonly id: string;
  readonly version: number;
  readonly verdict: Exclude<Verdict, "valid">;
  /**
   * A condition in SQL over the columns of one event:
   *
   * - `is_first` Bool: no copy of the id is earlier (by ingest time, then coordinates)
   * - `is_same` Bool: it says the same as the first copy
   * - `test` Bool, `flag_words` Array(String)
   * - `campaign_known` Bool, `starts_ms` and `ends_ms` Nullable(Int64)
   * - `event_time_ms` Int64, and `event_type`, `ad_id`, `publisher_id`, `geo`, `device`, `user_id`
   */
  readonly predicate: string;
  /** What an advertiser may be told about it. */
  readonly disclosure: string;
}

export interface RuleSet {
  readonly id: string;
  readonly version: number;
  /** First match wins. */
  readonly rules: readonly VerdictRule[];
}

/** Dedupe, then what the stream decides by (`quickVerdict`, same order), then what only truth knows. */
export const STANDARD_RULES: RuleSet = {
  id: "standard",
  version: 1,
  rules: [
    rule("duplicate", "NOT is_first AND is_same"),
    rule("id_conflict", "NOT is_first"),
    rule("test", "test"),
    rule("unknown_campaign", "NOT campaign_known"),
    rule("bot_user_agent", "has(flag_words, 'bot_user_agent')"),
    rule("prefetch", "has(flag_words, 'prefetch')"),
    rule("token_bad", "has(flag_words, 'token_bad')"),
    rule("token_expired", "has(flag_words, 'token_expired')"),
    rule(
      "inactive_campaign",
      "ifNull(event_time_ms < starts_ms, false) OR ifNull(event_time_ms >= ends_ms, false)",
    ),
  ],
};

/** An expression of SQL that gives the verdict of an event. */
export function verdictSql(ruleSet: RuleSet): string {
  const branches = ruleSet.rules.map(({ predicate, verdict }) => `${predicate}, '${verdict}'`);
  return `multiIf(${[...branches, "'valid'"].join(", ")})`;
}

function rule(verdict: Exclude<Verdict, "valid">, predicate: string): VerdictRule {
  return { id: verdict, version: 1, verdict, predicate, disclosure: VERDICT_TEXT[verdict] };
}
