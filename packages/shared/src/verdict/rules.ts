/**
 * The rules that truth judges by. A rule is an id with a meaning that never changes; its versions,
 * with parameters and the instant of event time from which each is in force, are data.
 */
import { z } from "zod";
import type { InstantRange } from "../calendar/calendar.ts";
import { HOUR_MS, SECOND_MS } from "../time/time.ts";
import { VERDICT_TEXT, type Verdict } from "./verdict.ts";

/** Windows of velocity are tumbling and divide an hour: the hours that a job reads hold them whole. */
const HOUR_S = HOUR_MS / SECOND_MS;
/** Furthest that a double click may lie from its first, seconds: a job reads so far past its day. */
export const DOUBLE_CLICK_SECONDS_MAX = HOUR_S;
/** Longest time between an impression and its click that can be asked for, hours. */
export const LOOKBACK_HOURS_MAX = 168;

const none = z.strictObject({});
const velocity = z.strictObject({
  /** Length of the window; divides an hour. */
  seconds: z
    .int()
    .min(1)
    .max(HOUR_S)
    .refine((seconds) => HOUR_S % seconds === 0, "must divide an hour"),
  /** Most clicks in one window that are believed; with one more, all of them are invalid. */
  clicks_max: z.int().min(1),
});
const lookback = z.strictObject({ lookback_hours: z.int().min(1).max(LOOKBACK_HOURS_MAX) });

interface RuleKind {
  readonly verdict: Exclude<Verdict, "valid">;
  /** What an advertiser may be told about it. */
  readonly disclosure: string;
  readonly parameters: z.ZodType<RuleParameters>;
}

const kind = (
  verdict: Exclude<Verdict, "valid">,
  parameters: RuleKind["parameters"] = none,
  disclosure: string = VERDICT_TEXT[verdict],
): RuleKind => ({ verdict, parameters, disclosure });

/** Parameters by name. What each rule takes, its kind says. */
export type RuleParameters = Readonly<Record<string, number | boolean>>;

/**
 * Every rule, in the order in which the first match wins: copies and tests, then what the stream
 * decides by in its order (`quickVerdict`), then what only truth can know. A double click is looked
 * for among clicks that no rule above it has met, so that no click is given up for one that does not
 * count either.
 */
const KINDS = {
  duplicate: kind("duplicate"),
  id_conflict: kind("id_conflict"),
  test: kind("test"),
  unknown_campaign: kind("unknown_campaign"),
  bot_user_agent: kind("bot_user_agent"),
  not_a_browser: kind("not_a_browser", z.strictObject({ judge_missing: z.boolean() })),
  datacenter_ip: kind("datacenter_ip"),
  prefetch: kind("prefetch"),
  token_bad: kind("token_bad"),
  token_expired: kind("token_expired"),
  inactive_campaign: kind("inactive_campaign"),
  publisher_blocked: kind("publisher_blocked"),
  manual: kind("manual"),
  unlinked: kind(
    "unlinked",
    lookback,
    "The campaign asks for an impression, and none was received for this click in the hours before it.",
  ),
  token_replayed: kind(
    "unlinked",
    none,
    "The impression of this click had been used up by an earlier click.",
  ),
  double_click: kind(
    "double_click",
    z.strictObject({ seconds: z.int().min(1).max(DOUBLE_CLICK_SECONDS_MAX) }),
    "Followed by another click of the same person on the same ad within seconds; the last counts.",
  ),
  velocity_user: kind("velocity", velocity, "One person clicked more often than a person does."),
  velocity_ip_net: kind("velocity", velocity, "One network clicked more often than people do."),
  velocity_publisher: kind(
    "velocity",
    velocity,
    "One publisher had more clicks at a time than people make.",
  ),
} as const satisfies Record<string, RuleKind>;

export type RuleId = keyof typeof KINDS;

const byId: Readonly<Record<RuleId, RuleKind>> = KINDS;

/** Every rule's id, in the order in which the first match wins. */
export const RULE_IDS: readonly RuleId[] = Object.keys(KINDS).filter(isRuleId);

export function isRuleId(word: string): word is RuleId {
  return Object.hasOwn(KINDS, word);
}

export function verdictOfRule(id: RuleId): Exclude<Verdict, "valid"> {
  return byId[id].verdict;
}

export function disclosureOfRule(id: RuleId): string {
  return byId[id].disclosure;
}

/** @throws {z.ZodError} naming the parameter that is missing, unknown or out of its range. */
export function parseRuleParameters(id: RuleId, parameters: unknown): RuleParameters {
  return byId[id].parameters.parse(parameters);
}

/** One version of a rule. Never changed: another parameter is another version. */
export interface RuleVersion {
  readonly id: RuleId;
  /** From 1. */
  readonly version: number;
  /** Whether the rule judges at all while this version is in force. */
  readonly enabled: boolean;
  readonly parameters: RuleParameters;
  /** Event time from which it is in force, inclusive, epoch milliseconds. */
  readonly effectiveFromMs: number;
}

/** A version with the range of event time in which it judges. */
export interface RuleInForce extends RuleVersion {
  /** Inclusive, epoch milliseconds. */
  readonly fromMs: number;
  /** Exclusive; null while no other version follows. */
  readonly toMs: number | null;
}

/** The rules that the product starts with, in force since ever. Migrations seed the same. */
export const STANDARD_RULES: readonly RuleVersion[] = RULE_IDS.map((id) => ({
  id,
  version: 1,
  // A publisher's size differs by orders of magnitude: no number is right for all.
  enabled: id !== "velocity_publisher",
  parameters: standardParameters(id),
  effectiveFromMs: 0,
}));

function standardParameters(id: RuleId): RuleParameters {
  switch (id) {
    case "not_a_browser":
      return { judge_missing: false };
    case "double_click":
      return { seconds: 30 };
    case "velocity_user":
      return { seconds: 60, clicks_max: 10 };
    case "velocity_ip_net":
      // A /24 of a mobile carrier stands for thousands of people; a lower number would meet them.
      return { seconds: 60, clicks_max: 6_000 };
    case "velocity_publisher":
      return { seconds: 60, clicks_max: 10_000 };
    case "unlinked":
      return { lookback_hours: 24 };
    default:
      return {};
  }
}

/**
 * The versions that judge events of a range, in the order in which the first match wins. At every
 * instant the highest version that has begun is in force, so a later decision can also reach back.
 * Those that are not enabled are left out.
 */
export function rulesInForce(
  versions: readonly RuleVersion[],
  { fromMs, toMs }: InstantRange,
): RuleInForce[] {
  return RULE_IDS.flatMap((id) => {
    const own = versions.filter((version) => version.id === id);
    return timelineOf(own.toSorted((a, b) => a.version - b.version));
  }).filter((rule) => {
    return rule.enabled && rule.fromMs < toMs && (rule.toMs === null || rule.toMs > fromMs);
  });
}

/** Lays one version over the other, oldest first; each covers all from its start on. */
function timelineOf(versions: readonly RuleVersion[]): RuleInForce[] {
  let timeline: RuleInForce[] = [];
  for (const version of versions) {
    const start = version.effectiveFromMs;
    const before = timeline
      .filter(({ fromMs }) => fromMs < start)
      .map((rule) => ({ ...rule, toMs: Math.min(rule.toMs ?? start, start) }));
    timeline = [...before, { ...version, fromMs: start, toMs: null }];
  }
  return timeline;
}
