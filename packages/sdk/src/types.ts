/** What an application hands to the SDK, and what it is told. */

/** Fields that every event may have. Others than these are kept by the edge as they are. */
export interface EventFields {
  /** 8 to 64 of `A-Za-z0-9_.:-`. Made up, once and for all tries, when not given. */
  readonly event_id?: string;
  /** Epoch milliseconds or ISO 8601 with zone. The moment of the call when not given. */
  readonly event_time?: number | string;
  readonly campaign_id?: string;
  readonly ad_id?: string;
  readonly publisher_id?: string;
  /** A pseudonym; never a name or an address. */
  readonly user_id?: string;
  readonly impression_id?: string;
  readonly click_id?: string;
  /** A click token as the ad server minted it. */
  readonly token?: string;
  /** ISO 3166-1 alpha-2. */
  readonly geo?: string;
  readonly device?: "desktop" | "mobile" | "tablet" | "tv" | "other";
  /** Believed only from sources that speak for their users: server to server. */
  readonly ip?: string;
  readonly user_agent?: string;
  /** Kept, never counted and never billed. */
  readonly test?: boolean;
  readonly [field: string]: unknown;
}

export interface ClickFields extends EventFields {
  readonly campaign_id: string;
  readonly ad_id: string;
  readonly publisher_id: string;
}

export interface ConversionFields extends EventFields {
  /** Millionths of the account's currency, a whole number. */
  readonly conversion_value_micros?: number;
}

/** An event that will not be sent again. */
export interface Undelivered {
  readonly event: Readonly<Record<string, unknown>>;
  /**
   * The edge's code (`missing_field`, `invalid_field`, `too_old` …), `http_` and the status where
   * the edge refused the request for this event alone, or one of ours: `too_large` and
   * `not_serializable` for an event that cannot be sent, `queue_full` and `closed` for one that was
   * not taken.
   */
  readonly code: string;
  readonly message: string;
}

export interface TrueclickOptions {
  /** Where the edge is: `https://edge.example`. */
  readonly endpoint: string;
  /** In a browser the key of pages of a source, elsewhere a key of the source itself. */
  readonly key: string;
  /** Told of every event that is given up. Without it they are given up in silence. */
  readonly onUndelivered?: (undelivered: Undelivered) => void;
  /** Told once, with the status, when the edge refuses the key: nothing more is sent. */
  readonly onStopped?: (status: number) => void;
  /** Events that are sent at once, without waiting for more. Default 50, at most 1,000. */
  readonly batchEventsMax?: number;
  /**
   * Bytes of a request. Default 48 KiB, at most 60,000: a page that
   * closes may send no more.
   */
  readonly batchBytesMax?: number;
  /** How long an event waits for company, milliseconds. Default 1,000. */
  readonly flushIntervalMs?: number;
  /** Events that wait at most, while the edge cannot be reached. Default 1,000. */
  readonly queueEventsMax?: number;
  /** Bytes that wait at most. Default 512 KiB. */
  readonly queueBytesMax?: number;
  /** How long an answer may take, milliseconds. Default 15,000. */
  readonly timeoutMs?: number;
}

export interface Trueclick {
  /** Takes a click; returns its `event_id`. Never throws and never waits. */
  click(fields: ClickFields): string;
  impression(fields?: EventFields): string;
  conversion(fields?: ConversionFields): string;
  /** Sends what waits, now. Resolves with whether nothing waits any more. */
  flush(): Promise<boolean>;
  /**
   * Sends what waits, once, and takes nothing more. What could not be sent stays in the browser's
   * storage for the next page; without a storage it is lost, and the answer is false.
   */
  close(): Promise<boolean>;
}
