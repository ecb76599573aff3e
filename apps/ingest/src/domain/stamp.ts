/** From what the sender said to what the log keeps: the edge's own stamps added, the IP taken out. */
import { type Envelope, USER_AGENT_LENGTH_MAX } from "@trueclick/shared/event/envelope";
import {
  type Device,
  type EventFlag,
  GEO_UNKNOWN,
  type StoredEvent,
} from "@trueclick/shared/event/stored";
import { judgeToken, type VerifyToken } from "./clickTokens.ts";
import { type IpAddress, parseIp, toIpNetwork } from "./ipAddress.ts";
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
  /** Keyed hash in lower-case hex. Keyed, because all of IPv4 can be hashed in minutes. */
  readonly hashIp: (ip: IpAddress) => string;
}

/**
 * Stamps one event. For a source that speaks for its users the connection is that of its server,
 * so what it leaves out of the body stays unknown; for all others the body's word is not taken.
 */
export function toStoredEvent(event: Envelope, context: StampContext): StoredEvent {
  const { source, connection } = context;
  const ipText = source.speaksForUsers ? event.ip : connection.ip;
  const ip = typeof ipText === "string" ? parseIp(ipText) : null;
  const userAgent = source.speaksForUsers
    ? event.user_agent
    : connection.userAgent?.slice(0, USER_AGENT_LENGTH_MAX);
  const token = judgeToken(event, context);
  const agent = userAgent === undefined ? null : context.readUserAgent(userAgent);
  return {
    schema_version: event.schema_version,
    event_type: event.event_type,
    event_id: event.event_id,
    event_time: event.event_time,
    ingest_time: context.ingestTimeMs,
    campaign_id: event.campaign_id,
    ad_id: event.ad_id,
    publisher_id: event.publisher_id,
    user_id: event.user_id,
    geo: event.geo ?? GEO_UNKNOWN,
    device: event.device ?? agent?.device ?? "other",
    user_agent: userAgent,
    ip_hash: ip === null ? undefined : context.hashIp(ip),
    ip_net: ip === null ? undefined : toIpNetwork(ip),
    impression_id: event.impression_id ?? token.claims?.impressionId,
    click_id: event.click_id,
    conversion_value_micros: event.conversion_value_micros,
    token: event.token,
    test: event.test,
    region: context.region,
    source_id: source.id,
    flags: [
      ...token.flags,
      ...toFlags(event, { isBot: agent?.isBot ?? false, isPrefetch: connection.isPrefetch }),
    ],
    ext: event.ext,
  };
}

function toFlags(
  event: Envelope,
  { isBot, isPrefetch }: { readonly isBot: boolean; readonly isPrefetch: boolean },
): EventFlag[] {
  const flags: EventFlag[] = [];
  if (isBot) flags.push("bot_user_agent");
  if (isPrefetch) flags.push("prefetch");
  if (event.id_derived) flags.push("id_derived");
  return flags;
}
