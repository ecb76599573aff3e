/**
 * Immutable objects by path: a folder or an S3 bucket behind it. Paths are
 * relative, of segments `[A-Za-z0-9_.=:-]+` between slashes, none of them `.` or `..`.
 */
export interface ObjectStore {
  /**
   * Stores an object unless one is there, durably: once resolved, it survives a power cut. Never
   * overwrites. `same`: these bytes were there. `different`: others were, and still are.
   *
   * @throws {ObjectStoreUnavailableError} The outcome is unknown. Put it again.
   */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<"stored" | "same" | "different">;
  /** The bytes, or null if there is no such object. @throws {ObjectStoreUnavailableError} */
  get(path: string): Promise<Uint8Array | null>;
  /**
   * SHA-256 of the bytes in lower-case hex, or null if there is no such object. Reads it as `get` does, but
   * may hold parts of it at a time.
   *
   * @throws {ObjectStoreUnavailableError}
   */
  sha256(path: string): Promise<string | null>;
  /** Size in bytes, or null if there is no such object. @throws {ObjectStoreUnavailableError} */
  stat(path: string): Promise<{ readonly bytes: number } | null>;
  /** Paths below a prefix that ends with a slash, sorted. @throws {ObjectStoreUnavailableError} */
  list(prefix: string): AsyncIterable<string>;
  /**
   * Removes an object; does nothing when there is none. Nothing that the manifest names as present
   * may be removed.
   *
   * @throws {ObjectStoreUnavailableError} The outcome is unknown. Remove it again.
   */
  remove(path: string): Promise<void>;
}

/** A fault of the store or of the way to it: disk full, no permission, network, wrong key. */
export class ObjectStoreUnavailableError extends Error {
  override readonly name = "ObjectStoreUnavailableError";
}

const SEGMENT = /^[A-Za-z0-9_.=:-]+$/;

/**
 * Refuses what could leave the store's root or mean something else to a shell, a glob or SQL.
 *
 * @throws {RangeError} on a path that is not as `ObjectStore` says: a bug in the caller.
 */
export function assertObjectPath(path: string): void {
  const isSafe = path
    .split("/")
    .every((segment) => SEGMENT.test(segment) && segment !== "." && segment !== "..");
  if (!isSafe) throw new RangeError(`not an object path: ${JSON.stringify(path)}`);
}
