import type { InstantRange } from "@trueclick/shared/calendar";
import { SECOND_MS } from "@trueclick/shared/time";
import { type RuleId, type RuleInForce, verdictOfRule } from "@trueclick/shared/verdict/rules";
import { isUnlinkedSql } from "./unlinkedSql.ts";

/** Matches are bits of a 64-bit number. A day with more versions in force is refused. */
export const RULES_MAX = 63;

/** Columns of counts that a velocity rule compares with, by rule. */
const VELOCITY_KEYS = {
  velocity_user: "person",
  velocity_ip_net: "ip_net",
  velocity_publisher: "publisher_id",
} as const satisfies Partial<Record<RuleId, string>>;

/**
 * Conditions in SQL over the columns of one event, all but those of windows:
 *
 * - `is_first` Bool: no copy of the id is earlier (by ingest time, then coordinates)
 * - `is_same` Bool: it says the same as the first copy
 * - `test` Bool, `flag_words` String (between commas), `campaign_known` Bool
 * - `agent_given`, `agent_is_bot`, `agent_is_browser` Bool: what the pinned libraries say
 * - `net_is_datacenter` Bool: the whole network of the address lies in the pinned ranges
 * - `is_inactive` Bool: before, after or in a pause of its campaign
 * - `publisher_decisions`, `manual_decisions` Array(UInt64)
 * - `is_replayed` Bool: an earlier event, not a copy of it, used its token up
 */
export function predicateOf(rule: RuleInForce): string | null {
  const { id, parameters } = rule;
  switch (id) {
    case "duplicate":
      return "NOT is_first AND is_same";
    case "id_conflict":
      return "NOT is_first AND NOT is_same";
    case "test":
      return "test";
    case "unknown_campaign":
      return "NOT campaign_known";
    case "bot_user_agent":
      return `if(agent_given, agent_is_bot, ${hasFlag("bot_user_agent")})`;
    case "not_a_browser":
      return parameters["judge_missing"] === true
        ? "NOT agent_is_browser"
        : "agent_given AND NOT agent_is_browser";
    case "datacenter_ip":
      return `net_is_datacenter OR ${hasFlag("datacenter_ip")}`;
    case "prefetch":
    case "token_bad":
    case "token_expired":
      return hasFlag(id);
    case "inactive_campaign":
      return "is_inactive";
    case "publisher_blocked":
      return "notEmpty(publisher_decisions)";
    case "manual":
      return "notEmpty(manual_decisions)";
    case "unlinked":
      return isUnlinkedSql(rule);
    case "token_replayed":
      return "is_replayed";
    case "double_click":
    case "velocity_user":
    case "velocity_ip_net":
    case "velocity_publisher":
      return null;
  }
}

const hasFlag = (flag: string) => `position(flag_words, ',${flag},') > 0`;

/**
 * Rules whose events do not use a token up: who meets one comes before the person does, or beside
 * him. Each can be told from the event alone, wherever it lies. What only its own hour can tell
 * (pauses, decisions, windows) is no such rule: there the person has been, and the token is used.
 */
const NO_USE: ReadonlySet<RuleId> = new Set([
  "test",
  "bot_user_agent",
  "not_a_browser",
  "datacenter_ip",
  "prefetch",
] satisfies RuleId[]);

/** Whether a rule is in force at an event; nothing to ask where it is at all of them. */
function inForceSql({ fromMs, toMs }: RuleInForce, bounds: InstantRange): string {
  const from = fromMs > bounds.fromMs ? ` AND event_time_ms >= ${fromMs}` : "";
  const to = toMs !== null && toMs < bounds.toMs ? ` AND event_time_ms < ${toMs}` : "";
  return from + to;
}

/** A velocity rule as a query asks it. */
export interface VelocityRule {
  /** Column of `own` whose values are told apart; empty or 0 is nobody. */
  readonly key: (typeof VELOCITY_KEYS)[keyof typeof VELOCITY_KEYS];
  readonly seconds: number;
  readonly clicksMax: number;
  /** Bit of the rule, and when it is in force. */
  readonly bit: string;
  readonly condition: string;
}

export interface RuleSql {
  /** UInt64: the bits of the rules that an event meets by itself. */
  readonly ownBits: string;
  /** UInt64: the bits of the double click rules, given `next_click_ms`, Nullable(Int64). */
  readonly doubleClickBits: string;
  /** Bool: the event does not use its token up; null when there is no rule that asks. */
  readonly noUse: string | null;
  /** Bits of the rules that come before a double click: what meets one is no candidate. */
  readonly beforeDoubleClick: bigint;
  readonly velocity: readonly VelocityRule[];
  /** Array(String): verdict by bit; and `id@version`. */
  readonly verdicts: string;
  readonly labels: string;
  /** Longest time to the click that makes another a double click, milliseconds; 0 without such a rule. */
  readonly doubleClickMs: number;
}

/**
 * What the rules are in SQL.
 *
 * @param bounds All events that are looked at lie in it.
 * @throws {RangeError} for more versions than there are bits.
 */
export function ruleSql(rules: readonly RuleInForce[], bounds: InstantRange): RuleSql {
  if (rules.length > RULES_MAX) throw new RangeError(`more than ${RULES_MAX} rules in force`);
  const bitOf = (at: number) => (1n << BigInt(at)).toString();
  const guarded = (rule: RuleInForce, condition: string) =>
    `(${condition})${inForceSql(rule, bounds)}`;
  const bits = (conditions: readonly string[]) =>
    conditions.length === 0 ? "toUInt64(0)" : conditions.join(" + ");

  const own: string[] = [];
  const noUse: string[] = [];
  const doubleClick: string[] = [];
  const velocity: VelocityRule[] = [];
  let beforeDoubleClick = 0n;
  for (const [at, rule] of rules.entries()) {
    const predicate = predicateOf(rule);
    if (predicate !== null) {
      own.push(`if(${guarded(rule, predicate)}, toUInt64(${bitOf(at)}), 0)`);
      beforeDoubleClick |= 1n << BigInt(at);
      if (NO_USE.has(rule.id)) noUse.push(guarded(rule, predicate));
    } else if (rule.id === "double_click") {
      const within = `ifNull(next_click_ms <= ${secondsOf(rule) * SECOND_MS}, false)`;
      doubleClick.push(`if(${guarded(rule, within)}, toUInt64(${bitOf(at)}), 0)`);
    } else {
      const velocityRule = { bit: bitOf(at), condition: guarded(rule, "true") };
      velocity.push({ ...velocityRule, ...velocityOf(rule) });
    }
  }
  const doubleClickRules = rules.filter(({ id }) => id === "double_click");
  return {
    ownBits: bits(own),
    doubleClickBits: bits(doubleClick),
    noUse: rules.some(({ id }) => id === "token_replayed") ? anyOf(noUse) : null,
    beforeDoubleClick,
    velocity,
    verdicts: stringArray(rules.map(({ id }) => verdictOfRule(id))),
    labels: stringArray(rules.map(({ id, version }) => `${id}@${version}`)),
    doubleClickMs: Math.max(0, ...doubleClickRules.map((rule) => secondsOf(rule) * SECOND_MS)),
  };
}

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? "false" : conditions.map((one) => `(${one})`).join(" OR ");
}

function velocityOf({ id, parameters }: RuleInForce) {
  if (id !== "velocity_user" && id !== "velocity_ip_net" && id !== "velocity_publisher") {
    throw new RangeError(`${id} is no rule of velocity`);
  }
  const clicksMax = Number(parameters["clicks_max"]);
  return { key: VELOCITY_KEYS[id], seconds: Number(parameters["seconds"]), clicksMax };
}

const secondsOf = ({ parameters }: RuleInForce) => Number(parameters["seconds"]);

function stringArray(words: readonly string[]): string {
  return `CAST([${words.map((word) => `'${word}'`).join(", ")}], 'Array(String)')`;
}
