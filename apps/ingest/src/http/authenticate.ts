/** Who sends: by a bearer key, or by a request that is signed. */
import type { IncomingMessage } from "node:http";
import { KEY_PREFIXES } from "@trueclick/shared/access";
import type { KeyScope, Source } from "../domain/source.ts";
import type { AnsweredNonces, NonceRef } from "../ports/answeredNonces.ts";
import {
  type KeyDirectory,
  KeyDirectoryUnavailableError,
  PAGE_KEY_PREFIX,
  type RememberedKeys,
  SIGNING_KEY_PREFIX,
  type SourceKey,
} from "../ports/keyDirectory.ts";
import type { SignatureHashes } from "../ports/signatureHashes.ts";
import { corsHeaders, pageKey } from "./cors.ts";
import { type Refused, refuse, unavailable } from "./refusal.ts";
import { bearerKey } from "./requestHeaders.ts";
import { isSigned, signatureExpiresAtMs, signatureHeaders, signedBodySha256 } from "./signature.ts";

export interface AuthenticationDependencies {
  readonly keys: KeyDirectory & RememberedKeys;
  readonly sha256Hex: (text: string) => string;
  readonly signatureHashes: SignatureHashes;
  readonly nonces: AnsweredNonces;
}

/** What is left to check of a signed request, once its body is there. */
export interface Signed {
  /** Lower-case hex; null where the signature is not of the body. */
  readonly sha256Of: (body: Uint8Array) => string | null;
  readonly nonce: NonceRef;
  readonly expiresAtMs: number;
}

export interface Sender {
  readonly source: Source;
  /** Null for a bearer key, which is all the proof there is. */
  readonly signed: Signed | null;
  /** Lets a page read the answer; null where no page is involved. */
  readonly headers: Readonly<Record<string, string>> | null;
}

/** One answer for unknown, revoked, expired and wrong: a guesser learns nothing. */
export function unauthorized(message: string): Refused {
  return refuse(401, "unauthorized", message, { "WWW-Authenticate": 'Bearer realm="trueclick"' });
}

/** A signed request is believed only after `Sender.signed.sha256Of` has seen its body. */
export async function authenticate(
  dependencies: AuthenticationDependencies,
  request: IncomingMessage,
  nowMs: number,
  scope: KeyScope = "events",
): Promise<Sender | Refused> {
  const asked = { request, nowMs, scope };
  try {
    if (isSigned(request)) return await bySignature(dependencies, asked);
    const key = request.headers.authorization === undefined ? pageKey(request) : null;
    return key === null
      ? await byBearer(dependencies, asked)
      : await byPage(dependencies, asked, key);
  } catch (error) {
    if (!(error instanceof KeyDirectoryUnavailableError)) throw error;
    return unavailable("keys_unavailable", "Keys cannot be checked now. Send again.");
  }
}

interface Asked {
  readonly request: IncomingMessage;
  readonly nowMs: number;
  readonly scope: KeyScope;
}

async function byBearer(
  { keys, sha256Hex }: AuthenticationDependencies,
  { request, nowMs, scope }: Asked,
): Promise<Sender | Refused> {
  const key = bearerKey(request);
  if (key === null) return unauthorized("Send the source's key: Authorization: Bearer <key>.");
  const found = await keys.find(sha256Hex(key));
  if (found === null || isExpired(found, nowMs)) return unauthorized("The key is not valid.");
  if (!found.scopes.includes(scope)) return outOfScope(scope);
  // Whoever learns such a key by eavesdropping can't send by it: its owner signs.
  if (found.requireSignature) return unauthorized("The source signs its requests.");
  return { source: found.source, signed: null, headers: null };
}

async function bySignature(
  { keys, sha256Hex, signatureHashes }: AuthenticationDependencies,
  { request, nowMs, scope }: Asked,
): Promise<Sender | Refused> {
  const headers = signatureHeaders(request, nowMs);
  if (headers === null) return unauthorized("The signature's headers are wrong or out of time.");
  // A source whose key may be borne may sign with it as well: it then names the key itself.
  const isKeyItself = headers.keyId.startsWith(KEY_PREFIXES.source);
  const lookup = isKeyItself ? sha256Hex(headers.keyId) : SIGNING_KEY_PREFIX + headers.keyId;
  const found = await keys.find(lookup);
  const borne = found?.requireSignature === false ? headers.keyId : null;
  const secret = isKeyItself ? borne : (found?.signingSecret ?? null);
  if (found === null || secret === null || isExpired(found, nowMs)) {
    return unauthorized("The signature is not valid.");
  }
  if (!found.scopes.includes(scope)) return outOfScope(scope);
  const signed = {
    sha256Of: (body: Uint8Array) => signedBodySha256(headers, secret, body, signatureHashes),
    nonce: { keyId: found.id, nonce: headers.nonce },
    expiresAtMs: signatureExpiresAtMs(headers),
  };
  return { source: found.source, signed, headers: null };
}

async function byPage(
  { keys, sha256Hex }: AuthenticationDependencies,
  { request, nowMs, scope }: Asked,
  key: string,
): Promise<Sender | Refused> {
  const found = await keys.find(PAGE_KEY_PREFIX + sha256Hex(key));
  if (found === null || isExpired(found, nowMs)) return unauthorized("The key is not valid here.");
  if (!found.scopes.includes(scope)) return outOfScope(scope);
  if (found.requireSignature) return unauthorized("The source signs its requests.");
  const headers = corsHeaders(request, found.allowedOrigins ?? []);
  if (headers === null) {
    return refuse(403, "origin_not_allowed", "The source does not name this origin.");
  }
  return { source: found.source, signed: null, headers };
}

function outOfScope(scope: KeyScope): Refused {
  return refuse(403, "out_of_scope", `The key has not the scope "${scope}".`);
}

/** Whether a key is good no more at the time of a request. */
export function isExpired({ expiresAtMs }: SourceKey, nowMs: number): boolean {
  return expiresAtMs !== null && expiresAtMs <= nowMs;
}
