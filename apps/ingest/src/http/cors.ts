/**
 * Pages of other origins that send by a browser. Their key stands in the URL (`?key=`), since a
 * beacon has no headers and a preflight brings none; it is no secret, a page shows it to all. So
 * such a key only says which source is meant, and the browser's `Origin` must be one that the
 * source names. Cookies are never asked for: nothing here knows any.
 */
import type { IncomingMessage } from "node:http";
import type { Answer } from "./answer.ts";

const PREFLIGHT_MAX_AGE_S = 600;
const KEY_PATTERN = /^[\x21-\x7e]{1,256}$/;

/** The key in the URL, or null. */
export function pageKey(request: IncomingMessage): string | null {
  const query = (request.url ?? "").split("?")[1] ?? "";
  const key = new URLSearchParams(query).get("key") ?? "";
  return KEY_PATTERN.test(key) ? key : null;
}

/** What lets the page read an answer; null where its origin is not one of those. */
export function corsHeaders(
  request: IncomingMessage,
  allowedOrigins: readonly string[],
): Readonly<Record<string, string>> | null {
  const { origin } = request.headers;
  if (origin === undefined) return null;
  if (!allowedOrigins.includes(origin) && !allowedOrigins.includes("*")) return null;
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Expose-Headers": "Retry-After",
    Vary: "Origin",
  };
}

/** The answer to a preflight; without permission a browser sends nothing after it. */
export function preflightAnswer(permission: Readonly<Record<string, string>> | null): Answer {
  const allowed =
    permission === null
      ? {}
      : {
          ...permission,
          "Access-Control-Allow-Methods": "POST",
          "Access-Control-Allow-Headers": "Content-Type, Content-Encoding",
          "Access-Control-Max-Age": String(PREFLIGHT_MAX_AGE_S),
        };
  const headers = { Allow: "POST, OPTIONS", ...allowed };
  return { status: 204, contentType: "", body: "", headers };
}
