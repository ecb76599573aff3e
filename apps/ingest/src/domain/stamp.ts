/** From what the sender said to what the log keeps: the edge's own stamps added, the IP taken out. */
import { type Envelope, USER_AGENT_LENGTH_MAX } from "@trueclick/shared/event/envelope";
import {
  type Device,
  type EventFlag,
  GEO_UNKNOWN,
  type StoredEvent,
} from "@trueclick/shared/event/stored";
import { type IpAddress, parseIp, toIpNetwork } from "@trueclick/shared/ip/address";
import { judgeToken, type VerifyToken } from "./clickTokens.ts";
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
  /** Whether an address is of a data centre, where people do not browse. */
  readonly isDatacenterIp: (ip: IpAddress) => boolean;
  /** Keyed hash in lower-case hex. Keyed, because all of IPv4 can be hashed in minutes. */
  readonly hashIp: (ip: IpAddress) => string;
}

/** What an IP address tells, which itself is not kept. */
export interface IpFacts {
  /** Where nobody said it. */
  readonly geo: string;
  /** Told from the whole address: its network may be a data centre's in part. */
  readonly isDatacenter: boolean;
  readonly stamps: Pick<StoredEvent, "ip_hash" | "ip_net">;
}

/** Of somebody whose address or user agent is not known. */
const IP_UNKNOWN: IpFacts = { geo: GEO_UNKNOWN, isDatacenter: false, stamps: {} };
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
  const ip = readIp(source.speaksForUsers ? event.ip : connection.ip, context);
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

/** @param text As the connection or the sender has it. */
export function readIp(text: string | null | undefined, context: StampContext): IpFacts {
  const ip = typeof text === "string" ? parseIp(text) : null;
  if (ip === null) return IP_UNKNOWN;
  return {
    geo: GEO_UNKNOWN,
    isDatacenter: context.isDatacenterIp(ip),
    stamps: { ip_hash: context.hashIp(ip), ip_net: toIpNetwork(ip) },
  };
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
