import { describe, expect, it } from "vitest";
import { type IpAddress, parseIp } from "./ipAddress.ts";
import { isInRanges, parseIpRanges, wholeNetworks } from "./ipRanges.ts";

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`no address: ${text}`);
  return parsed;
}

const RANGES = parseIpRanges(
  [
    "# data centres",
    "10.0.1.0,10.0.1.127,half,http://example.test",
    "10.0.1.128,10.0.1.255,the other half",
    "10.0.0.16,10.0.0.31",
    "2001:db8::,2001:db8:1:ffff:ffff:ffff:ffff:ffff",
    "",
  ].join("\n"),
);

describe("ranges of addresses", () => {
  it.each([
    ["10.0.0.15", false],
    ["10.0.0.16", true],
    ["10.0.0.31", true],
    ["10.0.0.32", false],
    ["10.0.1.200", true],
    ["10.0.2.0", false],
    ["::ffff:10.0.1.1", true],
    ["2001:db8:1::1", true],
    ["2001:db8:2::", false],
    ["9.9.9.9", false],
  ])("say of %s that it is inside: %s", (address, inside) => {
    expect(isInRanges(RANGES, ip(address))).toBe(inside);
  });

  it("hold whole only the networks of which every address is inside", () => {
    expect(wholeNetworks(RANGES)).toEqual(["10.0.1.0/24", "2001:db8:0::/48", "2001:db8:1::/48"]);
  });

  it.each(["10.0.0.1", "10.0.0.2,10.0.0.1", "10.0.0.1,::1", "hello,world"])(
    "name the line that is none: %s",
    (line) => {
      expect(() => parseIpRanges(`10.0.0.1,10.0.0.2\n${line}`)).toThrow("line 2");
    },
  );
});
