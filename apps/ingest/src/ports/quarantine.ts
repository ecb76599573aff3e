import type { RejectCode } from "@trueclick/shared/event/rejection";
import type { SourceId } from "@trueclick/shared/ids";

/** Something refused, with what is needed to understand it and to send it again after a fix. */
export interface Quarantined {
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
  readonly sourceId: SourceId;
  readonly code: RejectCode;
  readonly message: string;
  /** As received. */
  readonly bytes: Uint8Array;
  /** Of the connection, which a later judgement can't see; its address is not kept. */
  readonly userAgent: string | null;
  readonly isPrefetch: boolean;
}

/** Where refused events and bodies are kept. */
export interface Quarantine {
  /**
   * Keeps items, within bounds of time and memory.
   *
   * @returns How many are on durable storage. Never throws: what is refused was never accepted, so
   *   its sender hears of it either way, and a quarantine that is down must not stop good events.
   */
  keep(items: readonly Quarantined[]): Promise<number>;
}
