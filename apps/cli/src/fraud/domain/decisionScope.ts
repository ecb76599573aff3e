import { advertiserIdSchema } from "@trueclick/shared/ids";
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
  for (const [word, value] of entries) {
    if (value === "") continue;
    const key = Object.entries(KEYS).find(([name]) => name === word)?.[1];
    if (word === "advertiser") {
      scope = { ...scope, advertiserId: advertiserIdSchema.parse(value) };
    } else if (key !== undefined) scope = { ...scope, [key]: value };
    else return { wrong: `no ${word}: a scope has ${SCOPE_WORDS.join(", ")}` };
  }
  const { advertiserId: _advertiser, ...events } = scope;
  if (Object.keys(events).length === 0) {
    return { wrong: `a scope names at least one of ${Object.keys(KEYS).join(", ")}` };
  }
  if (scope.ipNet !== undefined && !IP_NET.test(scope.ipNet)) {
    return { wrong: `${scope.ipNet} is no network such as 203.0.113.0/24 or 2001:db8:7::/48` };
  }
  return { scope };
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
