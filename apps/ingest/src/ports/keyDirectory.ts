import type { Source } from "../domain/source.ts";

/** A source's key as it is on record. */
export interface SourceKey {
  readonly source: Source;
  /** Exclusive, epoch milliseconds; null while it does not expire. */
  readonly expiresAtMs: number | null;
}

/** Who a key belongs to. */
export interface KeyDirectory {
  /**
   * Finds a key that is not revoked; null when there is none. Whether it has expired is for the
   * caller to say, at the time of the request.
   *
   * @param keySha256 SHA-256 of the key, lower-case hex.
   * @throws {KeyDirectoryUnavailableError} Nothing is known about the key: refuse with 503.
   */
  find(keySha256: string): Promise<SourceKey | null>;
  /** @throws {KeyDirectoryUnavailableError} */
  ping(): Promise<void>;
}

/** Passing fault. */
export class KeyDirectoryUnavailableError extends Error {
  override readonly name = "KeyDirectoryUnavailableError";
}
