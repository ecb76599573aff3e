/** Stamps as pieces of lines, kept from one request to the next. */
import type { Device, StoredEvent } from "@trueclick/shared/event/stored";
import type { IpFacts } from "../ipFacts.ts";
import type { Source } from "../source.ts";
import type { StampContext, toEdgeStamps } from "../stamp.ts";
import { LONG_BYTES, viewOf } from "./words.ts";

/** User agents whose pieces are kept; each a few hundred bytes, a KiB or two at most. */
const USER_AGENTS_MAX = 1_000;

/** Bytes that lines are made of, copied a word at a time. */
export interface Piece {
  readonly length: number;
  /** Of its bytes, and of zeros up to a whole word. */
  readonly words: DataView;
}

export const NOTHING: Piece = pieceOf("");

export interface IpPieces {
  readonly geo: Piece;
  readonly isDatacenter: boolean;
  readonly stamps: Piece;
}

export function pieceOf(text: string): Piece {
  const length = Buffer.byteLength(text);
  const bytes = new Uint8Array(Math.ceil(length / LONG_BYTES) * LONG_BYTES);
  new TextEncoder().encodeInto(text, bytes);
  return { length, words: viewOf(bytes) };
}

/** The fields of an object, each with a comma behind it. */
export function toPiece(part: { readonly [Field in keyof StoredEvent]?: unknown }): Piece {
  const json = JSON.stringify(part);
  return json === "{}" ? NOTHING : pieceOf(`${json.slice(1, -1)},`);
}

/** The stamps of a source's events that have all but the time in common. */
interface EdgePiece {
  readonly piece: Piece;
  timeMs: number;
}

const ZERO = 0x30;
/** Digits of an ingest time until the year 2286. */
const TIME_DIGITS = 13;
const TIME_START = '"ingest_time":'.length;

export class StampPieces {
  readonly #edges = new WeakMap<Source, (EdgePiece | undefined)[]>();
  readonly #ips = new WeakMap<IpFacts, IpPieces>();
  readonly #devices = new Map<Device, Piece>();
  readonly #userAgents = new Map<string, Piece>();

  ip(facts: IpFacts): IpPieces {
    const known = this.#ips.get(facts);
    if (known !== undefined) return known;
    const { geo, isDatacenter, stamps } = facts;
    const pieces = { geo: toPiece({ geo }), isDatacenter, stamps: toPiece(stamps) };
    this.#ips.set(facts, pieces);
    return pieces;
  }

  device(device: Device): Piece {
    const known = this.#devices.get(device);
    if (known !== undefined) return known;
    const piece = toPiece({ device });
    this.#devices.set(device, piece);
    return piece;
  }

  userAgent(userAgent: string | undefined): Piece {
    if (userAgent === undefined) return NOTHING;
    const known = this.#userAgents.get(userAgent);
    if (known !== undefined) return known;
    const piece = toPiece({ user_agent: userAgent });
    if (this.#userAgents.size >= USER_AGENTS_MAX) this.#userAgents.clear();
    this.#userAgents.set(userAgent, piece);
    return piece;
  }

  /**
   * What the edge says of an event by itself. Made once for each kind of event of a source; then
   * only the time in it is written anew, so a piece is good until the next one is asked for.
   *
   * @param kind A small number for all that `make` depends on besides source and time.
   */
  edge(
    { source, ingestTimeMs }: Pick<StampContext, "source" | "ingestTimeMs">,
    kind: number,
    make: () => ReturnType<typeof toEdgeStamps>,
  ): Piece {
    if (!hasTimeDigits(ingestTimeMs)) return toPiece(make());
    let edges = this.#edges.get(source);
    if (edges === undefined) {
      edges = [];
      this.#edges.set(source, edges);
    }
    const edge = edges[kind];
    if (edge === undefined) {
      const piece = toPiece(make());
      edges[kind] = { piece, timeMs: ingestTimeMs };
      return piece;
    }
    if (edge.timeMs !== ingestTimeMs) writeTime(edge.piece, ingestTimeMs);
    edge.timeMs = ingestTimeMs;
    return edge.piece;
  }
}

function hasTimeDigits(timeMs: number): boolean {
  return timeMs >= 10 ** (TIME_DIGITS - 1) && timeMs < 10 ** TIME_DIGITS;
}

function writeTime({ words }: Piece, timeMs: number): void {
  let rest = timeMs;
  for (let at = TIME_START + TIME_DIGITS - 1; at >= TIME_START; at -= 1) {
    const tens = Math.floor(rest / 10);
    words.setUint8(at, ZERO + (rest - tens * 10));
    rest = tens;
  }
}
