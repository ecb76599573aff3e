/**
 * Why the edge refuses an event. The codes are part of the public face: senders script against
 * them, so none changes its meaning. A refused event goes to the quarantine with its bytes.
 */

export const REJECT_CODE_TEXT = {
  bad_json: "Not JSON in UTF-8.",
  bad_encoding: "The body does not decompress as its Content-Encoding says.",
  not_an_object: "An event is a JSON object.",
  too_large: "The event has more bytes than an event may have.",
  too_deep: "The event is nested deeper than an event may be.",
  invalid_string: "A string holds half a surrogate pair or a NUL character.",
  missing_field: "A required field is absent, null or empty.",
  invalid_field: "A field has the wrong type or form.",
  too_old: "The event time lies too far in the past.",
  in_future: "The event time lies in the future.",
  token_bad: "The click token is not one of ours.",
  token_expired: "The click token is too old.",
} as const;

export type RejectCode = keyof typeof REJECT_CODE_TEXT;

export interface Rejection {
  readonly ok: false;
  readonly code: RejectCode;
  /** What is wrong, for the sender's engineer. Names fields, never repeats their values. */
  readonly message: string;
}

export function reject(code: RejectCode, message: string = REJECT_CODE_TEXT[code]): Rejection {
  return { ok: false, code, message };
}
