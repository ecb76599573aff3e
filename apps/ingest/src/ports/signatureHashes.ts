/** What signatures of requests are checked with. */
export interface SignatureHashes {
  /** Lower-case hex. */
  readonly sha256OfBytes: (bytes: Uint8Array) => string;
  /** Lower-case hex. */
  readonly hmacSha256: (secret: string, text: string) => string;
  /** In constant time. */
  readonly isSameText: (left: string, right: string) => boolean;
}
