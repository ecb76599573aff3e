/**
 * The stamps of one request as pieces of lines, each made once. What they say is `stamp.ts`'s; here
 * they are only written down.
 */
import { judgeToken, type TokenBearer } from "../clickTokens.ts";
import {
  connectionUserAgent,
  type EdgeFindings,
  ipFactsOf,
  type StampContext,
  toEdgeStamps,
  USER_AGENT_UNKNOWN,
  type UserAgentFacts,
} from "../stamp.ts";
import type { EventScanner } from "./eventScanner.ts";
import * as fields from "./fields.ts";
import { type IpPieces, NOTHING, type Piece, type StampPieces, toPiece } from "./stampPieces.ts";
import { textAt } from "./textAt.ts";

const NO_KIND = -1;

export interface PlainStampContext extends StampContext {
  /** What is remembered of a user agent; undefined when it has to be read, which takes time. */
  readonly recallUserAgent: (userAgent: string) => UserAgentFacts | undefined;
}

export class PlainStamps {
  /** Of the event that was read last; each a list of fields with a comma behind every one. */
  geo = NOTHING;
  device = NOTHING;
  ip = NOTHING;
  edge = NOTHING;
  /** What a token vouches for. */
  impressionId = NOTHING;
  /** In place of the sender's word; null where that is taken. */
  readonly userAgent: Piece | null;
  readonly #context: PlainStampContext;
  readonly #pieces: StampPieces;
  readonly #connectionAgent: UserAgentFacts;
  readonly #connectionIp: IpPieces;
  /** Of `edge`, if it is of an event whose token nobody judges; else none. */
  #edgeKind = NO_KIND;
  /** By what tells one from another: the flags of the token, and the robot's. */
  #edges: Map<string, Piece> | null = null;

  constructor(context: PlainStampContext, pieces: StampPieces) {
    const { source, connection } = context;
    this.#context = context;
    this.#pieces = pieces;
    const userAgent = source.speaksForUsers ? undefined : connectionUserAgent(connection);
    this.userAgent = source.speaksForUsers ? null : pieces.userAgent(userAgent);
    this.#connectionAgent =
      userAgent === undefined ? USER_AGENT_UNKNOWN : context.readUserAgent(userAgent);
    this.#connectionIp = pieces.ip(ipFactsOf(undefined, context));
  }

  /** Makes the stamps of a scanned event; false if that has to wait for its user agent. */
  read(json: Buffer, event: EventScanner): boolean {
    const agent = this.#agentOf(json, event);
    if (agent === undefined) return false;
    const ip = this.#ipOf(json, event);
    this.geo = ip.geo;
    this.ip = ip.stamps;
    if (!event.isPresent(fields.DEVICE)) {
      this.device = this.#pieces.device(event.isDeviceUnknown ? "other" : agent.device);
    }
    this.impressionId = NOTHING;
    const is = { isBot: agent.isBot, isDatacenter: ip.isDatacenter, isIdDerived: false };
    const isVerified = event.isPresent(fields.TOKEN) && this.#context.verifyToken !== null;
    if (isVerified) this.#readToken(json, event, is);
    else this.#readEdgeUntold(event, is);
    return true;
  }

  #agentOf(json: Buffer, event: EventScanner): UserAgentFacts | undefined {
    if (this.userAgent !== null) return this.#connectionAgent;
    const userAgent = fieldText(json, event, fields.USER_AGENT);
    return userAgent === undefined ? USER_AGENT_UNKNOWN : this.#context.recallUserAgent(userAgent);
  }

  #ipOf(json: Buffer, event: EventScanner): IpPieces {
    const text = this.userAgent === null ? fieldText(json, event, fields.IP) : undefined;
    return text === undefined ? this.#connectionIp : this.#pieces.ip(this.#context.readIp(text));
  }

  /** Of an event whose token, if it has one, nobody here can judge. */
  #readEdgeUntold(event: EventScanner, is: EdgeFindings): void {
    const hasToken = event.isPresent(fields.TOKEN);
    const kind = (event.isClick ? 8 : 0) + (hasToken ? 4 : 0);
    const { isPrefetch } = this.#context.connection;
    const index = kind + (is.isDatacenter ? 2 : 0) + (is.isBot ? 1 : 0) + (isPrefetch ? 16 : 0);
    if (index === this.#edgeKind) return;
    this.#edgeKind = index;
    this.edge = this.#pieces.edge(this.#context, index, () => {
      const bearer: TokenBearer = {
        event_type: event.isClick ? "click" : "impression",
        ...(hasToken ? { token: "" } : {}),
      };
      const { flags } = judgeToken(bearer, this.#context);
      return toEdgeStamps(this.#context, flags, is);
    });
  }

  #readToken(json: Buffer, event: EventScanner, is: EdgeFindings): void {
    const { flags, claims } = judgeToken(toTokenBearer(json, event), this.#context);
    if (claims !== null && !event.isPresent(fields.IMPRESSION_ID)) {
      this.impressionId = toPiece({ impression_id: claims.impressionId });
    }
    this.#edges ??= new Map();
    const key = `${is.isBot} ${is.isDatacenter} ${flags.join(" ")}`;
    const known = this.#edges.get(key);
    this.#edgeKind = NO_KIND;
    this.edge = known ?? toPiece(toEdgeStamps(this.#context, flags, is));
    if (known === undefined) this.#edges.set(key, this.edge);
  }
}

function toTokenBearer(json: Buffer, event: EventScanner): TokenBearer {
  return {
    event_type: event.isClick ? "click" : "impression",
    token: fieldText(json, event, fields.TOKEN),
    campaign_id: fieldText(json, event, fields.CAMPAIGN_ID),
    ad_id: fieldText(json, event, fields.AD_ID),
    publisher_id: fieldText(json, event, fields.PUBLISHER_ID),
    impression_id: fieldText(json, event, fields.IMPRESSION_ID),
  };
}

/** The text of a field without its quotes; undefined when it is not there. */
function fieldText(json: Buffer, event: EventScanner, field: number): string | undefined {
  if (!event.isPresent(field)) return undefined;
  return textAt(json, (event.valueStart[field] ?? 0) + 1, (event.valueEnd[field] ?? 0) - 1);
}
