/** How long before a conversion a click may lie to be credited with it. */
import type { InstantRange } from "../calendar/calendar.ts";
import { DAY_MS } from "../time/time.ts";

/** Look-back windows that can be chosen, days of 24 hours. */
export const WINDOW_DAYS = [1, 7, 30] as const;
export type WindowDays = (typeof WINDOW_DAYS)[number];
export const STANDARD_WINDOW_DAYS: WindowDays = 30;
/** Longest of them, milliseconds: no job looks further back. */
export const WINDOW_MS_MAX = Math.max(...WINDOW_DAYS) * DAY_MS;

/** Why a conversion was credited to no click. */
export const NO_CREDIT_TEXT = {
  no_identity: "It names neither a click nor a user.",
  no_click: "No valid click of its campaign leads to it within the look-back window.",
} as const;
export type NoCreditReason = keyof typeof NO_CREDIT_TEXT;

/** A decision on the window, of all conversions, an advertiser's, or a campaign's. Never changed. */
export interface WindowDecision {
  /** Of two that begin at one instant the higher one counts. */
  readonly id: number;
  readonly scope: "all" | "advertiser" | "campaign";
  /** The campaign, where it is the scope. */
  readonly campaignId: string | null;
  /** Null: from then on as the wider scope has it. */
  readonly days: WindowDays | null;
  /** Event time of conversions, inclusive, epoch milliseconds. */
  readonly effectiveFromMs: number;
}

/** A window and the instant of event time from which it is in force. */
export interface WindowInForce {
  readonly fromMs: number;
  readonly days: WindowDays;
}

/**
 * The windows of a campaign in a range of event time, ascending, the first from the range's start on.
 * In each scope the decision that was made last of those that have begun is in force; the narrowest
 * scope that has one decides, and the standard where none does.
 *
 * @param decisions Those of the campaign's advertiser and of all; other campaigns' are left out.
 */
export function windowsInForce(
  decisions: readonly WindowDecision[],
  campaignId: string,
  { fromMs, toMs }: InstantRange,
): WindowInForce[] {
  const own = decisions.filter(
    (decision) => decision.scope !== "campaign" || decision.campaignId === campaignId,
  );
  const changes = own
    .map(({ effectiveFromMs }) => effectiveFromMs)
    .filter((ms) => ms > fromMs && ms < toMs);
  const instants = [...new Set([fromMs, ...changes])].sort((a, b) => a - b);
  return instants
    .map((ms) => ({ fromMs: ms, days: windowAt(own, ms) }))
    .filter(({ days }, at, all) => days !== all[at - 1]?.days);
}

function windowAt(decisions: readonly WindowDecision[], atMs: number): WindowDays {
  for (const scope of ["campaign", "advertiser", "all"] as const) {
    const begun = decisions.filter((one) => one.scope === scope && one.effectiveFromMs <= atMs);
    const last = begun.reduce<WindowDecision | null>(
      (latest, one) => (latest === null || one.id > latest.id ? one : latest),
      null,
    );
    if (last?.days != null) return last.days;
  }
  return STANDARD_WINDOW_DAYS;
}
