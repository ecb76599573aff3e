import type { SourceId } from "@trueclick/shared/ids";
import type { KeyScope, Source } from "../domain/source.ts";

/** A source's key as it is on record. */
export interface SourceKey {
  readonly id: string;
  readonly source: Source;
  readonly scopes: readonly KeyScope[];
  /** Bearing the key is not enough: the source signs its requests. */
  readonly requireSignature: boolean;
  /** Exclusive, epoch milliseconds; null while it does not expire. */
  readonly expiresAtMs: number | null;
  /** Secret of its signatures; null where it was not asked for by its id, or signs none. */
  readonly signingSecret: string | null;
  /** Origins of pages that may send by it; null where it was not asked for as a page's key. */
  readonly allowedOrigins: readonly string[] | null;
}

/** Before the id of a key, to ask for one that signs; no hash has a colon. */
export const SIGNING_KEY_PREFIX = "id:";
/**
 * Before the hash of a key that came in a URL. Only keys of sources that name origins and don't
 * speak for users are found so: what stands in a URL stands in logs and in the page's source.
 */
export const PAGE_KEY_PREFIX = "page:";

/** Who a key belongs to. */
export interface KeyDirectory {
  /**
   * Finds a key that is not revoked; null when there is none. Whether it has expired is for the
   * caller to say, at the time of the request.
   *
   * @param lookup SHA-256 of a bearer key, lower-case hex; or `SIGNING_KEY_PREFIX` and a key's
   *   id; or `PAGE_KEY_PREFIX` and the hash.
   * @throws {KeyDirectoryUnavailableError} Nothing is known about the key: refuse with 503.
   */
  find(lookup: string): Promise<SourceKey | null>;
  /** A source by its id, for what was sent by it once. @throws {KeyDirectoryUnavailableError} */
  findSource(sourceId: SourceId): Promise<Source | null>;
  /** @throws {KeyDirectoryUnavailableError} */
  ping(): Promise<void>;
}

/** What was heard of keys not long ago. */
export interface RememberedKeys {
  /**
   * A key that is good as far as is known, without asking; null when it has to be asked for.
   *
   * @param lookup As of `KeyDirectory.find`.
   */
  recall(lookup: string): SourceKey | null;
}

/** Passing fault. */
export class KeyDirectoryUnavailableError extends Error {
  override readonly name = "KeyDirectoryUnavailableError";
}
