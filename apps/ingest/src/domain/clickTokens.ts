/** What a token says of the event that carries it. */
import type { Envelope } from "@trueclick/shared/event/envelope";
import type { EventFlag } from "@trueclick/shared/event/stored";
import type { ClickClaims } from "@trueclick/shared/token/claims";
import type { TokenCheck } from "@trueclick/shared/token/click";
import type { Source } from "./source.ts";

/** `unjudged`: nobody knows now which keys are good, or there are none. */
export type TokenVerdict = TokenCheck | { readonly kind: "unjudged" };

/** @param nowMs When the edge took the token, epoch milliseconds. */
export type VerifyToken = (token: string, nowMs: number) => TokenVerdict;

export interface TokenContext {
  readonly source: Source;
  readonly ingestTimeMs: number;
  /** Null where the edge has no keys: then tokens are kept and not judged. */
  readonly verifyToken: VerifyToken | null;
}

/** An event as far as its token is concerned. */
export type TokenBearer = Pick<Envelope, "event_type"> &
  Partial<Pick<Envelope, "token" | "campaign_id" | "ad_id" | "publisher_id" | "impression_id">>;

export interface TokenFinding {
  readonly flags: readonly EventFlag[];
  /** What the token vouches for; null unless it is good and of this event. */
  readonly claims: ClickClaims | null;
}

/**
 * Judges the token of one event. A good token on another event is a bad one: it was taken from
 * where it was issued. Of a source that must send tokens, a click without one is as bad.
 */
export function judgeToken(event: TokenBearer, context: TokenContext): TokenFinding {
  const { source, ingestTimeMs, verifyToken } = context;
  const isClick = event.event_type === "click";
  const unproven: readonly EventFlag[] = isClick && source.requireToken ? ["token_bad"] : [];
  if (event.token === undefined) {
    // Tokens are minted for clicks alone; of other events their absence says nothing.
    const absent: readonly EventFlag[] = isClick ? ["token_absent"] : [];
    return { flags: [...absent, ...unproven], claims: null };
  }
  if (verifyToken === null) return { flags: unproven, claims: null };
  const check = verifyToken(event.token, ingestTimeMs);
  if (check.kind === "unjudged") return { flags: unproven, claims: null };
  if (check.kind === "bad" || !isOf(check.claims, event)) {
    return { flags: ["token_bad"], claims: null };
  }
  return check.kind === "expired"
    ? { flags: ["token_expired"], claims: null }
    : { flags: ["token_ok"], claims: check.claims };
}

/** What an event leaves out is no contradiction; a click names campaign, ad and publisher. */
function isOf(claims: ClickClaims, event: TokenBearer): boolean {
  const isSame = (said: string | undefined, claimed: string) =>
    said === undefined || said === claimed;
  return (
    isSame(event.campaign_id, claims.campaignId) &&
    isSame(event.ad_id, claims.adId) &&
    isSame(event.publisher_id, claims.publisherId) &&
    isSame(event.impression_id, claims.impressionId)
  );
}
