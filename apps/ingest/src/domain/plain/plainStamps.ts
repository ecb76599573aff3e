/**
 * The stamps of one request as pieces of lines, each made once. What they say is `stamp.ts`'s; here
 * they are only written down.
 */
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { judgeToken, type TokenBearer, type TokenFinding } from "../clickTokens.ts";
import {
  connectionUserAgent,
  type EdgeFindings,
  type IpFacts,
  readIp,
  type StampContext,
  toEdgeStamps,
  USER_AGENT_UNKNOWN,
  type UserAgentFacts,
} from "../stamp.ts";
import type { EventScanner } from "./eventScanner.ts";
import * as fields from "./fields.ts";
import { textAt } from "./textAt.ts";

export interface PlainStampContext extends StampContext {
  /** What is remembered of a user agent; undefined when it has to be read, which takes time. */
  readonly recallUserAgent: (userAgent: string) => UserAgentFacts | undefined;
}

/** Without a token of its own, what is said of an event's token is the same for all of a type. */
interface Untold {
  readonly ofClicks: TokenFinding;
  readonly ofOthers: TokenFinding;
}

export class PlainStamps {
  /** Of the event that was read last; each a list of fields with a comma behind every one. */
  geo: Uint8Array = new Uint8Array();
  device: Uint8Array = new Uint8Array();
  ip: Uint8Array = new Uint8Array();
  edge: Uint8Array = new Uint8Array();
  /** What a token vouches for. */
  impressionId: Uint8Array = new Uint8Array();
  /** In place of the sender's word; null where that is taken. */
  readonly userAgent: Uint8Array | null;
  readonly #context: PlainStampContext;
  readonly #connectionAgent: UserAgentFacts;
  readonly #connectionIp: IpPieces;
  readonly #absent: Untold;
  readonly #ips = new Map<string, IpPieces>();
  readonly #edges = new Map<string, Uint8Array>();
  readonly #devices = new Map<string, Uint8Array>();
  readonly #edgesUntold: (Uint8Array | undefined)[] = [];

  constructor(context: PlainStampContext) {
    const { source, connection } = context;
    this.#context = context;
    const userAgent = source.speaksForUsers ? undefined : connectionUserAgent(connection);
    this.userAgent = source.speaksForUsers ? null : toPiece({ user_agent: userAgent });
    this.#connectionAgent =
      userAgent === undefined ? USER_AGENT_UNKNOWN : context.readUserAgent(userAgent);
    this.#connectionIp = toIpPieces(readIp(source.speaksForUsers ? null : connection.ip, context));
    this.#absent = {
      ofClicks: judgeToken({ event_type: "click" }, context),
      ofOthers: judgeToken({ event_type: "impression" }, context),
    };
  }

  /** Makes the stamps of a scanned event; false if that has to wait for its user agent. */
  read(json: Buffer, event: EventScanner): boolean {
    const agent = this.#agentOf(json, event);
    if (agent === undefined) return false;
    const ip = this.#ipOf(json, event);
    this.geo = ip.geo;
    this.ip = ip.stamps;
    this.device = this.#devicePiece(event.isDeviceUnknown ? "other" : agent.device);
    this.impressionId = NOTHING;
    const is = { isBot: agent.isBot, isDatacenter: ip.isDatacenter, isIdDerived: false };
    if (event.isPresent(fields.TOKEN)) this.#readToken(json, event, is);
    else this.edge = this.#edgeWithoutToken(event.isClick, is);
    return true;
  }

  #agentOf(json: Buffer, event: EventScanner): UserAgentFacts | undefined {
    if (this.userAgent !== null) return this.#connectionAgent;
    const userAgent = textOf(json, event, fields.USER_AGENT);
    return userAgent === undefined ? USER_AGENT_UNKNOWN : this.#context.recallUserAgent(userAgent);
  }

  #ipOf(json: Buffer, event: EventScanner): IpPieces {
    const text = this.userAgent === null ? textOf(json, event, fields.IP) : undefined;
    if (text === undefined) return this.#connectionIp;
    let pieces = this.#ips.get(text);
    if (pieces === undefined) {
      pieces = toIpPieces(readIp(text, this.#context));
      this.#ips.set(text, pieces);
    }
    return pieces;
  }

  #devicePiece(device: UserAgentFacts["device"]): Uint8Array {
    let piece = this.#devices.get(device);
    if (piece === undefined) {
      piece = toPiece({ device });
      this.#devices.set(device, piece);
    }
    return piece;
  }

  #edgeWithoutToken(isClick: boolean, is: EdgeFindings): Uint8Array {
    const index = (is.isDatacenter ? 4 : 0) + (isClick ? 2 : 0) + (is.isBot ? 1 : 0);
    const known = this.#edgesUntold[index];
    if (known !== undefined) return known;
    const { flags } = isClick ? this.#absent.ofClicks : this.#absent.ofOthers;
    const piece = toPiece(toEdgeStamps(this.#context, flags, is));
    this.#edgesUntold[index] = piece;
    return piece;
  }

  #readToken(json: Buffer, event: EventScanner, is: EdgeFindings): void {
    const { flags, claims } = judgeToken(toTokenBearer(json, event), this.#context);
    if (claims !== null && !event.isPresent(fields.IMPRESSION_ID)) {
      this.impressionId = toPiece({ impression_id: claims.impressionId });
    }
    const key = `${is.isBot} ${is.isDatacenter} ${flags.join(" ")}`;
    const known = this.#edges.get(key);
    this.edge = known ?? toPiece(toEdgeStamps(this.#context, flags, is));
    if (known === undefined) this.#edges.set(key, this.edge);
  }
}

interface IpPieces {
  readonly geo: Uint8Array;
  readonly isDatacenter: boolean;
  readonly stamps: Uint8Array;
}

const NOTHING = new Uint8Array();

/** The fields of an object, each with a comma behind it. */
function toPiece(part: { readonly [Field in keyof StoredEvent]?: unknown }): Uint8Array {
  const json = JSON.stringify(part);
  return json === "{}" ? NOTHING : Buffer.from(`${json.slice(1, -1)},`);
}

function toIpPieces({ geo, isDatacenter, stamps }: IpFacts): IpPieces {
  return { geo: toPiece({ geo }), isDatacenter, stamps: toPiece(stamps) };
}

function toTokenBearer(json: Buffer, event: EventScanner): TokenBearer {
  return {
    event_type: event.isClick ? "click" : "impression",
    token: textOf(json, event, fields.TOKEN),
    campaign_id: textOf(json, event, fields.CAMPAIGN_ID),
    ad_id: textOf(json, event, fields.AD_ID),
    publisher_id: textOf(json, event, fields.PUBLISHER_ID),
    impression_id: textOf(json, event, fields.IMPRESSION_ID),
  };
}

/** The text of a field without its quotes; undefined when it is not there. */
function textOf(json: Buffer, event: EventScanner, field: number): string | undefined {
  if (!event.isPresent(field)) return undefined;
  return textAt(json, (event.valueStart[field] ?? 0) + 1, (event.valueEnd[field] ?? 0) - 1);
}
