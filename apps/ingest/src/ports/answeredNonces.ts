/** A nonce of one key. */
export interface NonceRef {
  readonly keyId: string;
  readonly nonce: string;
}

/** What a request was answered. */
export interface NonceAnswer {
  /** Of the request's body, lower-case hex; null where that was not noted. */
  readonly bodySha256: string | null;
  readonly status: number;
  readonly body: string;
}

/** Answers of signed requests, by their nonces. */
export interface AnsweredNonces {
  /**
   * @returns What the request was answered; null when it was not, or nobody can tell now. Never
   *   throws: without it a repeat is appended again under the same event ids, as duplicates that do
   *   not count, and that is better than turning clicks away.
   */
  find(ref: NonceRef): Promise<NonceAnswer | null>;
  /** Only once what was accepted is on durable storage. Never throws, for the same reason. */
  remember(ref: NonceRef, answer: NonceAnswer, expiresAtMs: number): Promise<void>;
}
