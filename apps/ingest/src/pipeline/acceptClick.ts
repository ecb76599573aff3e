/**
 * What happens to a click on a link of ours: verify, stamp, append, and only then redirect. What no
 * good token vouches for leads nowhere and goes to the quarantine.
 */
import type { Envelope } from "@trueclick/shared/event/envelope";
import { type RejectCode, reject } from "@trueclick/shared/event/rejection";
import { sourceIdSchema } from "@trueclick/shared/ids";
import type { ClickClaims } from "@trueclick/shared/token/claims";
import type { VerifyToken } from "../domain/clickTokens.ts";
import type { RateBucket } from "../domain/rateBucket.ts";
import type { Connection, Source } from "../domain/source.ts";
import { toStoredEvent } from "../domain/stamp.ts";
import { SinkUnavailableError } from "../ports/eventSink.ts";
import { type Acceptance, appendEvent, quarantineBody } from "./acceptEvents.ts";

/** Issuers are named by tokens that are genuine, so there are few. */
const SOURCES_MAX = 1_000;
const linkSources = new Map<string, Source>();

/** Of clicks whose token does not say whose they are. */
const UNKNOWN_ISSUER: Source = linkSource("click_links");

export interface ClickLinks {
  readonly verifyToken: VerifyToken;
  /** Whether the edge knows which keys are good. */
  readonly areKeysKnown: () => boolean;
  /** Anybody can invent tokens; beyond this rate their bytes are not kept, only counted. */
  readonly quarantineBucket: RateBucket;
  /** Something that is not given twice. */
  readonly newNonce: () => string;
}

export interface ClickRequest {
  readonly token: string;
  readonly connection: Connection;
  /** Epoch milliseconds. */
  readonly ingestTimeMs: number;
}

export type ClickOutcome =
  | { readonly kind: "redirect"; readonly landingUrl: string }
  | { readonly kind: "refused" };

/** @throws {SinkUnavailableError} Nothing is promised; the click may be made again. */
export async function acceptClick(
  acceptance: Acceptance,
  links: ClickLinks,
  click: ClickRequest,
): Promise<ClickOutcome> {
  const check = links.verifyToken(click.token, click.ingestTimeMs);
  if (check.kind !== "ok") {
    // It may be good: who clicked is to try again, rather than to be told that it is not.
    if (!links.areKeysKnown()) throw new SinkUnavailableError("The keys of tokens are not known");
    const code = check.kind === "expired" ? "token_expired" : "token_bad";
    await quarantine(acceptance, links, click, code);
    return { kind: "refused" };
  }
  const { claims } = check;
  const source = linkSource(claims.issuer);
  const event = toEnvelope(claims, click, eventIdOf(acceptance, links, click.connection, claims));
  // The stamps ask about the same token at the same time: it is verified once.
  const context = {
    source,
    connection: click.connection,
    ingestTimeMs: click.ingestTimeMs,
    region: acceptance.stamps.region,
    readUserAgent: acceptance.stamps.readUserAgent,
    readIp: acceptance.stamps.readIp,
    verifyToken: () => check,
  };
  try {
    await appendEvent(acceptance, toStoredEvent(event, context));
  } catch (error) {
    acceptance.metrics.recordEvents(source.id, { kind: "refused", status: 503, events: 1 });
    throw error;
  }
  acceptance.metrics.recordEvents(source.id, { kind: "accepted", events: 1 });
  return { kind: "redirect", landingUrl: claims.landingUrl };
}

/**
 * One id for all clicks of an impression, so that a token that is replayed, by a browser or by a
 * thief, is one click that counts and duplicates that are kept. Robots and browsers that load ahead
 * come before the person does: they get ids of their own, and don't use up the one that counts.
 */
function eventIdOf(
  { sha256Hex, stamps }: Acceptance,
  { newNonce }: ClickLinks,
  { userAgent, isPrefetch }: Connection,
  { issuer, impressionId, adId }: ClickClaims,
): string {
  const isRobot = userAgent !== null && stamps.readUserAgent(userAgent).isBot;
  const nonce = isRobot || isPrefetch ? [newNonce()] : [];
  return sha256Hex(JSON.stringify(["click_link", issuer, impressionId, adId, ...nonce]));
}

function toEnvelope(claims: ClickClaims, click: ClickRequest, eventId: string): Envelope {
  return {
    schema_version: 1,
    event_type: "click",
    event_id: eventId,
    id_derived: true,
    event_time: click.ingestTimeMs,
    campaign_id: claims.campaignId,
    ad_id: claims.adId,
    publisher_id: claims.publisherId,
    impression_id: claims.impressionId,
    token: click.token,
    ...{ user_id: undefined, geo: undefined, device: undefined, ip: undefined },
    ...{ user_agent: undefined, click_id: undefined, test: undefined, ext: undefined },
    conversion_value_micros: undefined,
  };
}

async function quarantine(
  acceptance: Acceptance,
  { quarantineBucket }: ClickLinks,
  { token, connection, ingestTimeMs }: ClickRequest,
  code: RejectCode,
): Promise<void> {
  const rejected = { code, message: reject(code).message, bytes: Buffer.from(token) };
  if (quarantineBucket.take(1, ingestTimeMs) === 0) {
    const delivery = { source: UNKNOWN_ISSUER, connection, ingestTimeMs };
    await quarantineBody(acceptance, delivery, rejected);
    return;
  }
  acceptance.metrics.recordEvents(UNKNOWN_ISSUER.id, { kind: "quarantined", code, events: 1 });
  acceptance.metrics.recordQuarantineLoss(1);
}

function linkSource(issuer: string): Source {
  const known = linkSources.get(issuer);
  if (known !== undefined) return known;
  const id = sourceIdSchema.parse(issuer);
  const source = { id, speaksForUsers: false, requireToken: true };
  if (linkSources.size >= SOURCES_MAX) linkSources.clear();
  linkSources.set(issuer, source);
  return source;
}
