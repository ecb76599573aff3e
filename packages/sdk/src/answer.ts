/** What an answer of the edge means for the events of a request. */
import type { Reply } from "./platform.ts";

export interface Rejected {
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

export type Verdict =
  /** Every event was taken or rejected, one by one. */
  | { readonly kind: "settled"; readonly rejected: readonly Rejected[] }
  /** The request as such was refused; one of its events, or their number, is to blame. */
  | { readonly kind: "split"; readonly code: string; readonly message: string }
  /** The key is not valid here. */
  | { readonly kind: "stop"; readonly status: number }
  /** Not now, and not before this, milliseconds. */
  | { readonly kind: "later"; readonly afterMs: number };

/** Refusals that the same events would meet again, and fewer of them perhaps not. */
const SPLITTING = [400, 413, 415, 422];
/** Refusals of whoever sends. */
const STOPPING = [401, 403];

/** The edge's body, as far as it is read; anything else on the way may answer anything. */
interface Body {
  readonly accepted?: unknown;
  readonly rejected?: readonly Rejected[];
  readonly error?: { readonly code?: string; readonly message?: string };
}

/**
 * @param events How many the request held.
 * @throws on an answer that looks like the edge's and is not.
 */
export function judge(reply: Reply, events: number, nowMs: number): Verdict {
  const { status } = reply;
  const body = parse(reply.body);
  const rejected = body?.rejected;
  // Only the edge's own words count: on the way sits many a thing that answers 200 to all.
  if (Array.isArray(rejected) && body?.accepted === events - rejected.length) {
    const toPlain = ({ index, code, message }: Rejected) => ({ index, code, message });
    return { kind: "settled", rejected: rejected.map(toPlain) };
  }
  if (STOPPING.includes(status)) return { kind: "stop", status };
  if (SPLITTING.includes(status)) {
    const { code = `http_${status}`, message = "" } = body?.error ?? {};
    return { kind: "split", code, message };
  }
  return { kind: "later", afterMs: retryAfterMs(reply.retryAfter, nowMs) };
}

function parse(body: string): Body | null {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** Seconds or a date, as in RFC 9110; 0 where there is none that can be read. */
function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const delayMs = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1_000;
  return Math.max(delayMs, 0) || 0;
}
