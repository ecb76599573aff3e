import { expect, it } from "vitest";
import { createIpReader, IP_UNKNOWN } from "./ipFacts.ts";

it("hashes an address once, and never what is none", () => {
  const hashed: string[] = [];
  const hashIp = (ip: Uint8Array) => {
    hashed.push(ip.join("."));
    return `hash of ${ip.join(".")}`;
  };
  const read = createIpReader({ hashIp, isDatacenterIp: (ip) => ip[0] === 203 });
  expect(read("203.0.113.9")).toEqual({
    geo: "ZZ",
    isDatacenter: true,
    stamps: { ip_hash: "hash of 203.0.113.9", ip_net: "203.0.113.0/24" },
  });
  expect(read("203.0.113.9")).toBe(read("203.0.113.9"));
  expect(read("203.0.113.999")).toBe(IP_UNKNOWN);
  expect(hashed).toEqual(["203.0.113.9"]);
});

it("forgets the oldest of too many, and reads it again as before", () => {
  let hashes = 0;
  const read = createIpReader({
    hashIp: () => String(hashes++),
    isDatacenterIp: () => false,
  });
  for (let n = 0; n <= 20_000; n += 1) read(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  expect(read("10.0.78.32").stamps.ip_hash).toBe("20000");
  expect(hashes).toBe(20_001);
  read("10.0.0.0");
  expect(hashes).toBe(20_002);
});
