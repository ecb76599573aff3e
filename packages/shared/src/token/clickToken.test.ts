import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClickClaims,
  mintClickToken,
  type TokenHmac,
  verifyClickToken,
} from "./clickToken.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NOW_S = NOW_MS / 1_000;
const CLAIMS: ClickClaims = {
  issuer: "src_adserver",
  impressionId: "imp_00000001",
  campaignId: "cmp_1",
  adId: "ad_1",
  publisherId: "pub_1",
  issuedAtS: NOW_S - 60,
  expiresAtS: NOW_S + 3_600,
  landingUrl: "https://shop.example/sale?utm_source=x&a=ü",
};

function keyring(keys: Readonly<Record<string, string>>): TokenHmac {
  return (keyId, text) => {
    const key = Object.hasOwn(keys, keyId) ? keys[keyId] : undefined;
    return key === undefined ? null : createHmac("sha256", key).update(text).digest();
  };
}
const KEYS = keyring({ k1: "secret one", k2: "secret two" });
const mint = (change: Partial<ClickClaims> = {}, keyId = "k1", keys = KEYS) =>
  mintClickToken({ ...CLAIMS, ...change }, keyId, keys);
const verdict = (token: string, nowMs = NOW_MS, keys = KEYS) =>
  verifyClickToken(token, nowMs, keys).kind;
const base64Url = (value: string) => Buffer.from(value).toString("base64url");

/** A token signed with a good key over claims that `mintClickToken` would not sign. */
function sign(payload: string, version = "t1"): string {
  const signed = `${version}.k1.${base64Url(payload)}`;
  return `${signed}.${createHmac("sha256", "secret one").update(signed).digest("base64url")}`;
}

describe("a click token", () => {
  it("says what it was minted to say, in characters that need no escape", () => {
    const token = mint();
    expect(token).toMatch(/^[A-Za-z0-9._-]+$/);
    expect(encodeURIComponent(token)).toBe(token);
    expect(verifyClickToken(token, NOW_MS, KEYS)).toEqual({ kind: "ok", claims: CLAIMS });
  });

  it("ends at its expiry, to the second, and is not good long before its issue", () => {
    const token = mint();
    expect(verdict(token, CLAIMS.expiresAtS * 1_000 - 1)).toBe("ok");
    expect(verdict(token, CLAIMS.expiresAtS * 1_000)).toBe("expired");
    expect(verdict(token, CLAIMS.issuedAtS * 1_000 - 300_000)).toBe("ok");
    expect(verdict(token, CLAIMS.issuedAtS * 1_000 - 300_001)).toBe("bad");
  });

  // A rotation: verify both, mint with the new one, take the old one away.
  it("is good under any key that is known, and under none that is gone", () => {
    const [old, young] = [mint({}, "k1"), mint({}, "k2")];
    expect([verdict(old), verdict(young)]).toEqual(["ok", "ok"]);
    const after = keyring({ k2: "secret two" });
    expect([old, young].map((token) => verdict(token, NOW_MS, after))).toEqual(["bad", "ok"]);
  });

  it.each([
    ["a script", { landingUrl: "javascript:alert(1)" }],
    ["data", { landingUrl: "data:text/html,x" }],
    ["no scheme", { landingUrl: "//evil.example" }],
    ["a user in the URL", { landingUrl: "https://bank.example@evil.example/" }],
    ["an empty id", { campaignId: "" }],
    ["half a surrogate pair", { adId: "\ud800" }],
    ["an end before its beginning", { expiresAtS: CLAIMS.issuedAtS }],
    ["a URL without end", { landingUrl: `https://a.example/${"x".repeat(2_048)}` }],
  ])("is not minted for %s", (_what, change) => {
    expect(() => mint(change)).toThrow(RangeError);
  });

  it("is not minted under a key that is not there", () => {
    for (const keyId of ["k3", "", "a.b", "__proto__"]) {
      expect(() => mint({}, keyId)).toThrow(RangeError);
    }
  });
});

describe("an attacker's tries", () => {
  const token = mint();
  const [version = "", keyId = "", payload = "", mac = ""] = token.split(".");
  const other = mint({ landingUrl: "https://evil.example/", campaignId: "cmp_evil" }, "k2");
  const [, , otherPayload = "", otherMac = ""] = other.split(".");
  const emptyKeyMac = createHmac("sha256", "").update(`t1..${payload}`).digest("base64url");
  const lastCharacter = mac.at(-1) === "A" ? "B" : "A";

  it.each([
    ["nothing", ""],
    ["dots alone", "..."],
    ["no signature", `${version}.${keyId}.${payload}.`],
    ["a part left out", `${version}.${keyId}.${payload}`],
    ["a part too many", `${token}.x`],
    ["claims of another token", `${version}.${keyId}.${otherPayload}.${mac}`],
    ["the signature of another token", `${version}.${keyId}.${payload}.${otherMac}`],
    ["another key's id", `${version}.k2.${payload}.${mac}`],
    ["an unknown key's id", `${version}.k9.${payload}.${mac}`],
    ["an empty key's id", `${version}..${payload}.${emptyKeyMac}`],
    ["the name of something on every object", `${version}.__proto__.${payload}.${mac}`],
    ["another version", `t2.${keyId}.${payload}.${mac}`],
    ["the version of no signature", `none.${keyId}.${payload}.${mac}`],
    ["a shorter signature", token.slice(0, -1)],
    ["a longer one", `${token}A`],
    ["the same bytes spelt otherwise", token.slice(0, -1) + lastCharacter],
    ["padding", `${token}=`],
    ["the other base64", `${version}.${keyId}.${payload}.${"+/".repeat(21)}+`],
    ["white space", ` ${token}`],
    ["a line break", `${token}\n`],
    ["NUL", `${token}\0`],
    ["percent escapes", token.replace(".", "%2E")],
    ["another case", token.toUpperCase()],
    ["letters that look alike", token.replace("t1", "т1")],
    ["a length without end", `${version}.${keyId}.${"A".repeat(100_000)}.${mac}`],
  ])("fail: %s", (_what, tried) => {
    expect(verdict(tried)).toBe("bad");
  });

  // Even with a good signature: a minter that is wrong must not turn the edge into its tool.
  it.each([
    ["no JSON", "{"],
    ["an object", "{}"],
    ["too few claims", '["a","b"]'],
    ["numbers for ids", '[1,2,3,4,5,1,9999999999,"https://a.example/"]'],
    ["a script to land on", '["a","b","c","d","e",1,9999999999,"javascript:alert(1)"]'],
    ["an expiry that is no number", '["a","b","c","d","e",1,"9999999999","https://a.example/"]'],
    ["an infinite expiry", '["a","b","c","d","e",1,1e999,"https://a.example/"]'],
    ["one claim too many", '["a","b","c","d","e",1,9999999999,"https://a.example/",1]'],
  ])("fail though signed: %s", (_what, claims) => {
    expect(verdict(sign(claims))).toBe("bad");
  });

  it("fail, whatever one character is changed to", () => {
    const character = fc.constantFrom(
      ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.",
    );
    fc.assert(
      fc.property(fc.nat(token.length - 1), character, (at, changed) => {
        fc.pre(token[at] !== changed);
        expect(verdict(token.slice(0, at) + changed + token.slice(at + 1))).toBe("bad");
      }),
    );
  });

  it("fail, whatever text they are", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (tried) => verdict(tried) === "bad"));
  });
});
