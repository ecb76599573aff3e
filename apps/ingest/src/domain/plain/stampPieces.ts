/** Stamps as pieces of lines, kept from one request to the next. */
import type { Device, StoredEvent } from "@trueclick/shared/event/stored";
import type { IpFacts } from "../ipFacts.ts";

/** User agents whose pieces are kept; each a few hundred bytes, a KiB or two at most. */
const USER_AGENTS_MAX = 1_000;

export const NOTHING: Uint8Array = new Uint8Array();

export interface IpPieces {
  readonly geo: Uint8Array;
  readonly isDatacenter: boolean;
  readonly stamps: Uint8Array;
}

/** The fields of an object, each with a comma behind it. */
export function toPiece(part: { readonly [Field in keyof StoredEvent]?: unknown }): Uint8Array {
  const json = JSON.stringify(part);
  return json === "{}" ? NOTHING : Buffer.from(`${json.slice(1, -1)},`);
}

export class StampPieces {
  readonly #ips = new WeakMap<IpFacts, IpPieces>();
  readonly #devices = new Map<Device, Uint8Array>();
  readonly #userAgents = new Map<string, Uint8Array>();

  ip(facts: IpFacts): IpPieces {
    const known = this.#ips.get(facts);
    if (known !== undefined) return known;
    const { geo, isDatacenter, stamps } = facts;
    const pieces = { geo: toPiece({ geo }), isDatacenter, stamps: toPiece(stamps) };
    this.#ips.set(facts, pieces);
    return pieces;
  }

  device(device: Device): Uint8Array {
    const known = this.#devices.get(device);
    if (known !== undefined) return known;
    const piece = toPiece({ device });
    this.#devices.set(device, piece);
    return piece;
  }

  userAgent(userAgent: string | undefined): Uint8Array {
    if (userAgent === undefined) return NOTHING;
    const known = this.#userAgents.get(userAgent);
    if (known !== undefined) return known;
    const piece = toPiece({ user_agent: userAgent });
    if (this.#userAgents.size >= USER_AGENTS_MAX) this.#userAgents.clear();
    this.#userAgents.set(userAgent, piece);
    return piece;
  }
}
