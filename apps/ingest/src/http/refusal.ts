/** Answers that turn events away: the sender still has them. */
import { type Answer, errorAnswer } from "./answer.ts";

/** When a sender should try again after a 503, seconds. */
const RETRY_AFTER_S = 1;

/** An error answer with the events that it turns away; one where they could not be told apart. */
export interface Refused {
  readonly refusal: Answer;
  readonly events: number;
}

export function refuse(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refused {
  return { refusal: errorAnswer(status, code, message, headers), events: 1 };
}

export function unavailable(code: string, message: string): Refused {
  return refuse(503, code, message, { "Retry-After": String(RETRY_AFTER_S) });
}
