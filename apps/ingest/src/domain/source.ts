import type { SourceId } from "@trueclick/shared/ids";

/** Who sends: an ad server, a browser SDK. Known by its key. */
export interface Source {
  readonly id: SourceId;
  /** Server to server: its word on `ip` and `user_agent` is taken instead of the connection's. */
  readonly speaksForUsers: boolean;
  /** Its clicks need a good token to count. */
  readonly requireToken: boolean;
  /** Most events a second, on average; absent or null: what the edge's settings say. */
  readonly eventsPerSecond?: number | null;
}

/** What a key may do: send events; have quarantined ones judged again. */
export type KeyScope = "events" | "replay";

/** What the connection itself shows of whoever is at its other end. */
export interface Connection {
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** The browser says that it loads ahead, without a click (`Sec-Purpose`, `Purpose`, `X-Purpose`, `X-Moz`). */
  readonly isPrefetch: boolean;
}
