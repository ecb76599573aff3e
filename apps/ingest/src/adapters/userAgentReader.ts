import type { Device } from "@trueclick/shared/event/stored";
import Bowser from "bowser";
import { isbot } from "isbot";
import type { UserAgentFacts } from "../domain/stamp.ts";

/** User agents whose facts are remembered. A site's traffic has a few thousand; each ≤ 1 KiB. */
const REMEMBERED_MAX = 10_000;

const DEVICE_BY_PLATFORM = new Map<string, Device>([
  ["desktop", "desktop"],
  ["mobile", "mobile"],
  ["tablet", "tablet"],
  ["tv", "tv"],
]);

/**
 * Reads user agents: the device by `bowser`, robots by `isbot` (which knows that a phone of the
 * brand CUBOT is none). Both take tens of microseconds, so facts are remembered, oldest out first.
 */
export function createUserAgentReader() {
  const remembered = new Map<string, UserAgentFacts>();
  const recallUserAgent = (userAgent: string) => remembered.get(userAgent);
  const readUserAgent = (userAgent: string): UserAgentFacts => {
    const known = remembered.get(userAgent);
    if (known !== undefined) return known;

    const facts = { device: toDevice(userAgent), isBot: isbot(userAgent) };
    if (remembered.size >= REMEMBERED_MAX) {
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    }
    remembered.set(userAgent, facts);
    return facts;
  };
  return { readUserAgent, recallUserAgent };
}

function toDevice(userAgent: string): Device {
  // Bowser throws at an empty text, and only at that.
  if (userAgent === "") return "other";
  return DEVICE_BY_PLATFORM.get(Bowser.getParser(userAgent).getPlatformType(true)) ?? "other";
}
