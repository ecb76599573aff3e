import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIp, toIpNetwork } from "./ipAddress.ts";

function network(text: string): string | null {
  const ip = parseIp(text);
  return ip === null ? null : toIpNetwork(ip);
}

describe("parseIp", () => {
  it.each([
    ["192.0.2.77", "192.0.2.0/24"],
    ["::ffff:192.0.2.77", "192.0.2.0/24"],
    ["::FFFF:c000:024d", "192.0.2.0/24"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"],
    ["2001:0DB8:0001::", "2001:db8:1::/48"],
    ["::1", "0:0:0::/48"],
    ["fe80::1%eth0", "fe80:0:0::/48"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0::/48"],
  ])("%s lies in %s", (text, expected) => {
    expect(network(text)).toBe(expected);
  });

  it.each([
    "",
    "256.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "::g",
    "x",
  ])("%j is no address", (text) => {
    expect(parseIp(text)).toBeNull();
  });

  // The hash of an address counts clicks per person; one address must not have two.
  it("reads the same address from its short and its long form", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const ip = parseIp(text);
        if (ip === null || ip.length === 4) return;
        const full = Array.from({ length: 8 }, (_, group) =>
          ((ip[group * 2] ?? 0) * 256 + (ip[group * 2 + 1] ?? 0)).toString(16).padStart(4, "0"),
        ).join(":");
        expect(parseIp(full)).toEqual(ip);
        expect(new URL(`http://[${full}]`).hostname).toBe(new URL(`http://[${text}]`).hostname);
      }),
    );
  });

  it("takes for an address what the platform takes for one", () => {
    const nearly = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom(..."0123456789abf:."), maxLength: 20 }),
    );
    fc.assert(
      fc.property(nearly, (text) => {
        // The platform refuses leading zeros, which some systems read as octal.
        fc.pre(!/(^|[.:])0\d/.test(text));
        expect(parseIp(text) !== null).toBe(isIP(text) !== 0);
      }),
      { numRuns: 2_000 },
    );
  });
});
