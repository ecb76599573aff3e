/** Limits on what a parsed JSON value may hold, checked in one bounded walk. */
import { type Rejection, reject } from "./rejection.ts";

/** Deepest nesting of an event; its own braces are the first level. */
const EVENT_DEPTH_MAX = 16;

/**
 * Finds what no store could give back as it came: half a surrogate pair has no UTF-8, Postgres
 * takes no NUL, and a number past the range of a double (`1e400`) has become Infinity. Keys count
 * as strings.
 *
 * Goes no deeper than `EVENT_DEPTH_MAX`, so hostile nesting cannot exhaust the stack.
 */
export function findUnstorable(value: unknown, depth = 0): Rejection | null {
  if (typeof value === "string") return isStorable(value) ? null : reject("invalid_string");
  if (typeof value === "number" && !Number.isFinite(value)) {
    return reject("invalid_field", "A number is too large for a double.");
  }
  if (typeof value !== "object" || value === null) return null;
  if (depth >= EVENT_DEPTH_MAX) return reject("too_deep");
  for (const [key, inner] of Object.entries(value)) {
    const problem = isStorable(key) ? findUnstorable(inner, depth + 1) : reject("invalid_string");
    if (problem !== null) return problem;
  }
  return null;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
