/** From what the sender said to what the log keeps: the edge's own stamps added, the IP taken out. */
import { type Envelope, USER_AGENT_LENGTH_MAX } from "@trueclick/shared/event/envelope";
import type { Device, EventFlag, StoredEvent } from "@trueclick/shared/event/stored";
import { judgeToken, type VerifyToken } from "./clickTokens.ts";
import { IP_UNKNOWN, type IpFacts } from "./ipFacts.ts";
import type { Connection, Source } from "./source.ts";

/** What a user agent tells. */
export interface UserAgentFacts {
  readonly device: Device;
  readonly isBot: boolean;
}

export interface StampContext {
  readonly source: Source;
  readonly connection: Connection;
  /** Where this edge runs, so that an event can be traced to it. */
  readonly region: string;
  /** When the edge took the request, epoch milliseconds. */
  readonly ingestTimeMs: number;
  /** Null where the edge has no keys of tokens. */
  readonly verifyToken: VerifyToken | null;
  readonly readUserAgent: (userAgent: string) => UserAgentFacts;
  readonly readIp: (text: string) => IpFacts;
}

/** Of somebody whose user agent is not known. */
export const USER_AGENT_UNKNOWN: UserAgentFacts = { device: "other", isBot: false };

/**
 * Stamps one event. For a source that speaks for its users the connection is that of its server,
 * so what it leaves out of the body stays unknown; for all others the body's word is not taken.
 *
 * The order of the fields is that of every line in the log: what the sender said, then the stamps.
 * Events that need no parsing are written in the same order (`plain/plainLines.ts`), so that one
 * event has one line, whichever way it went.
 */
export function toStoredEvent(event: Envelope, context: StampContext): StoredEvent {
  const { source, connection } = context;
  const ip = ipFactsOf(event.ip, context);
  const userAgent = source.speaksForUsers ? event.user_agent : connectionUserAgent(connection);
  const agent = userAgent === undefined ? USER_AGENT_UNKNOWN : context.readUserAgent(userAgent);
  const token = judgeToken(event, context);
  return {
    schema_version: event.schema_version,
    event_type: event.event_type,
    event_id: event.event_id,
    event_time: event.event_time,
    campaign_id: event.campaign_id,
    ad_id: event.ad_id,
    publisher_id: event.publisher_id,
    user_id: event.user_id,
    geo: event.geo ?? ip.geo,
    device: event.device ?? agent.device,
    user_agent: userAgent,
    impression_id: event.impression_id ?? token.claims?.impressionId,
    click_id: event.click_id,
    conversion_value_micros: event.conversion_value_micros,
    token: event.token,
    test: event.test,
    ...ip.stamps,
    ...toEdgeStamps(context, token.flags, {
      isBot: agent.isBot,
      isDatacenter: ip.isDatacenter,
      isIdDerived: event.id_derived,
    }),
    ext: event.ext,
  };
}

/** @param said What the event says of it. */
export function ipFactsOf(
  said: string | undefined,
  { source, connection, readIp }: Pick<StampContext, "source" | "connection" | "readIp">,
): IpFacts {
  const text = source.speaksForUsers ? said : connection.ip;
  return typeof text === "string" ? readIp(text) : IP_UNKNOWN;
}

/** The user agent of an event whose source does not speak for its users. */
export function connectionUserAgent({ userAgent }: Connection): string | undefined {
  return userAgent?.slice(0, USER_AGENT_LENGTH_MAX);
}

/** What the edge noticed of an event besides its token. */
export interface EdgeFindings {
  readonly isBot: boolean;
  readonly isDatacenter: boolean;
  readonly isIdDerived: boolean;
}

/** What the edge says of an event, whoever stands behind it. */
export function toEdgeStamps(
  context: StampContext,
  tokenFlags: readonly EventFlag[],
  is: EdgeFindings,
): Pick<StoredEvent, "ingest_time" | "region" | "source_id" | "flags"> {
  const flags = [...tokenFlags];
  if (is.isBot) flags.push("bot_user_agent");
  if (is.isDatacenter) flags.push("datacenter_ip");
  if (context.connection.isPrefetch) flags.push("prefetch");
  if (is.isIdDerived) flags.push("id_derived");
  return {
    ingest_time: context.ingestTimeMs,
    region: context.region,
    source_id: context.source.id,
    flags,
  };
}
