import { LINK_ID_LENGTH_MAX } from "@trueclick/shared/event/envelope";
import { advertiserIdSchema, ENTITY_ID_LENGTH_MAX, EVENT_ID_PATTERN } from "@trueclick/shared/ids";
import type { DecisionScope } from "@trueclick/shared/verdict/decision";

/** The words of a scope, on the command line and in files; a file's columns end in `_id`. */
const KEYS = {
  campaign: "campaignId",
  ad: "adId",
  publisher: "publisherId",
  user: "userId",
  ip_net: "ipNet",
  event: "eventId",
} as const satisfies Record<string, keyof DecisionScope>;

export const SCOPE_WORDS: readonly string[] = ["advertiser", ...Object.keys(KEYS)];
const IP_NET = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.0\/24|[0-9a-f:]+::\/48)$/;

/**
 * A scope of words and values; empty values are left out.
 *
 * @returns what is wrong with it, in words for its author, when it is none.
 */
export function parseScope(
  entries: Iterable<readonly [string, string]>,
): { readonly scope: DecisionScope } | { readonly wrong: string } {
  let scope: DecisionScope = {};
  const said = new Set<string>();
  for (const [word, value] of entries) {
    if (value === "") continue;
    // Of two the last would be taken, and the first never be heard of.
    if (said.has(word)) return { wrong: `${word} is named twice` };
    said.add(word);
    const wrong = wrongWith(word, value);
    if (wrong !== null) return { wrong };
    const key = Object.entries(KEYS).find(([name]) => name === word)?.[1];
    if (key !== undefined) scope = { ...scope, [key]: value };
    else scope = { ...scope, advertiserId: advertiserIdSchema.parse(value) };
  }
  const { advertiserId: _advertiser, ...events } = scope;
  if (Object.keys(events).length === 0) {
    return { wrong: `a scope names at least one of ${Object.keys(KEYS).join(", ")}` };
  }
  return { scope };
}

function wrongWith(word: string, value: string): string | null {
  if (!SCOPE_WORDS.includes(word)) return `no ${word}: a scope has ${SCOPE_WORDS.join(", ")}`;
  const lengthMax = word === "user" ? LINK_ID_LENGTH_MAX : ENTITY_ID_LENGTH_MAX;
  if (value.length > lengthMax) {
    return `${word} has more than ${lengthMax} characters: no event has such a one`;
  }
  if (word === "ip_net" && !IP_NET.test(value)) {
    return `${value} is no network such as 203.0.113.0/24 or 2001:db8:7::/48`;
  }
  if (word === "event" && !EVENT_ID_PATTERN.test(value)) {
    return `${value} is no event id: 8 to 64 of A-Z, a-z, 0-9 and _.:-`;
  }
  return null;
}

/** A scope in the words of the command line. */
export function formatScope(scope: DecisionScope): string {
  const words = Object.entries(KEYS).flatMap(([word, key]) => {
    const value = scope[key];
    return value === undefined ? [] : [`${word}=${value}`];
  });
  const { advertiserId } = scope;
  return [...(advertiserId === undefined ? [] : [`advertiser=${advertiserId}`]), ...words].join(
    " ",
  );
}
