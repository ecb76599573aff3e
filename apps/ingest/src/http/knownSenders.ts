/**
 * Senders that are known without waiting. What each connection said last is remembered, since most
 * say the same again: so a key is hashed and a user agent is looked up once a connection, not once
 * a request. Whether the key is still good is asked for each request.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Connection, Source } from "../domain/source.ts";
import { type AuthenticationDependencies, isExpired } from "./authenticate.ts";
import { bearerKey, connectionOf } from "./requestHeaders.ts";
import { isSigned } from "./signature.ts";

export interface KnownSender {
  readonly source: Source;
  readonly connection: Connection;
}

/** What a connection said. */
interface Said {
  readonly authorization: string;
  readonly userAgent: string | undefined;
  readonly lookup: string;
  readonly connection: Connection;
}

export class KnownSenders {
  readonly #authentication: AuthenticationDependencies;
  readonly #saidBy = new WeakMap<Socket, Said>();

  constructor(authentication: AuthenticationDependencies) {
    this.#authentication = authentication;
  }

  /** Who sends by a bearer key that is known to be good; null when `authenticate` has to say. */
  find(request: IncomingMessage, nowMs: number): KnownSender | null {
    if (isSigned(request)) return null;
    const said = this.#read(request);
    const key = said === null ? null : this.#authentication.keys.recall(said.lookup);
    if (said === null || key === null || isExpired(key, nowMs)) return null;
    if (key.requireSignature || !key.scopes.includes("events")) return null;
    return { source: key.source, connection: said.connection };
  }

  #read(request: IncomingMessage): Said | null {
    const { authorization, "user-agent": userAgent } = request.headers;
    if (authorization === undefined) return null;
    const before = this.#saidBy.get(request.socket);
    const isSaidAgain =
      before !== undefined &&
      before.userAgent === userAgent &&
      isSameSecret(before.authorization, authorization);
    if (isSaidAgain) return before;
    const key = bearerKey(request);
    if (key === null) return null;
    const lookup = this.#authentication.sha256Hex(key);
    const said = { authorization, userAgent, lookup, connection: connectionOf(request) };
    this.#saidBy.set(request.socket, said);
    return said;
  }
}

/** In a time that says nothing of where they differ: a proxy may send for many over one connection. */
function isSameSecret(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index += 1) {
    difference |= left.charCodeAt(index) ^ right.charCodeAt(index);
  }
  return difference === 0;
}
