import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClickClaims } from "./claims.ts";
import { TokenKeyring } from "./clickToken.ts";

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

const keyring = (secrets: Readonly<Record<string, string>>) =>
  new TokenKeyring(
    new Map(Object.entries(secrets).map(([id, secret]) => [id, Buffer.from(secret)])),
  );
const KEYS = keyring({ k1: "secret one", k2: "secret two" });
const mint = (change: Partial<ClickClaims> = {}, keyId = "k1", keys = KEYS) =>
  keys.mint({ ...CLAIMS, ...change }, keyId);
const verdict = (token: string, nowMs = NOW_MS, keys = KEYS) => keys.verify(token, nowMs).kind;
const base64Url = (value: string) => Buffer.from(value).toString("base64url");

/** The MAC as the format says it, by another's hand. */
function macOf(beginning: string, rest: string, secret = "secret one"): string {
  const zeros = Buffer.alloc((64 - (beginning.length % 64)) % 64);
  const hmac = createHmac("sha256", secret).update(beginning).update(zeros).update(rest);
  return hmac.digest("base64url");
}

/** A token signed with a good key over claims that would not be minted. */
function sign(ad: string, impression = "0000000160000000imp_1", version = "t2"): string {
  const beginning = `${version}.k1.${base64Url(ad)}.`;
  return `${beginning}${impression}.${macOf(beginning, impression)}`;
}

describe("a click token", () => {
  it("says what it was minted to say, in characters that need no escape", () => {
    const token = mint();
    expect(token).toMatch(/^[A-Za-z0-9._-]+$/);
    expect(encodeURIComponent(token)).toBe(token);
    expect(KEYS.verify(token, NOW_MS)).toEqual({ kind: "ok", claims: CLAIMS });
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
    const changed = keyring({ k1: "another secret of the same name" });
    expect(verdict(old, NOW_MS, changed)).toBe("bad");
  });

  // More than are remembered, so that they take one another's places.
  it("says what it was minted to say, however many ads there are", () => {
    const claims = Array.from({ length: 20_000 }, (_, index) => ({
      ...CLAIMS,
      impressionId: `imp-${index}`,
      adId: `ad_${index % 9_000}`,
      landingUrl: `https://shop.example/${"x".repeat((index % 9_000) % 700)}`,
    }));
    const tokens = claims.map((claim) => KEYS.mint(claim, "k1"));
    for (const [index, token] of tokens.entries()) {
      const check = KEYS.verify(token, NOW_MS);
      if (check.kind !== "ok") throw new Error(`${token} is ${check.kind}`);
      if (check.claims.impressionId !== `imp-${index}`) throw new Error(`${token} says another`);
      if (check.claims.landingUrl !== claims[index]?.landingUrl) throw new Error(token);
    }
  });

  it("says any impression's id", () => {
    const id = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((text) => {
      return text.length <= 128 && text.isWellFormed() && !text.includes("\0");
    });
    fc.assert(
      fc.property(id, (impressionId) => {
        const check = KEYS.verify(mint({ impressionId }), NOW_MS);
        expect(check).toEqual({ kind: "ok", claims: { ...CLAIMS, impressionId } });
      }),
    );
  });

  it.each([
    ["a script", { landingUrl: "javascript:alert(1)" }],
    ["data", { landingUrl: "data:text/html,x" }],
    ["no scheme", { landingUrl: "//evil.example" }],
    ["a user in the URL", { landingUrl: "https://bank.example@evil.example/" }],
    ["an empty id", { campaignId: "" }],
    ["half a surrogate pair", { adId: "\ud800" }],
    ["an end before its beginning", { expiresAtS: CLAIMS.issuedAtS }],
    ["a scheme without a host", { landingUrl: "https:evil.example" }],
    ["a backslash, which browsers take for a slash", { landingUrl: "https:\\\\evil.example" }],
    ["a host behind a backslash", { landingUrl: "https://evil.example\\@shop.example/" }],
    ["a line break", { landingUrl: "https://shop.example/\r\nSet-Cookie: x" }],
    ["a tab in the host", { landingUrl: "https://shop.exam\tple/" }],
    ["a time past its digits", { expiresAtS: 2 ** 32 }],
    ["an impression without end", { impressionId: "x".repeat(129) }],
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
  const AD = '["a","b","c","d","https://a.example/"]';
  const token = mint();
  const [version = "", keyId = "", ad = "", impression = "", mac = ""] = token.split(".");
  const other = mint({ landingUrl: "https://evil.example/", campaignId: "cmp_evil" }, "k2");
  const [, , otherAd = "", otherImpression = "", otherMac = ""] = other.split(".");
  const emptyKeyMac = macOf(`t2..${ad}.`, impression, "");
  const later = `${impression.slice(0, 8)}7fffffff${impression.slice(16)}`;
  const lastCharacter = mac.at(-1) === "A" ? "B" : "A";

  it.each([
    ["nothing", ""],
    ["dots alone", "..."],
    ["no signature", `${version}.${keyId}.${ad}.${impression}.`],
    ["a part left out", `${version}.${keyId}.${ad}.${mac}`],
    ["a part too many", `${token}.x`],
    ["the ad of another token", `${version}.${keyId}.${otherAd}.${impression}.${mac}`],
    ["the times of another token", `${version}.${keyId}.${ad}.${later}.${mac}`],
    ["the signature of another token", `${version}.${keyId}.${ad}.${otherImpression}.${otherMac}`],
    ["another key's id", `${version}.k2.${ad}.${impression}.${mac}`],
    ["an unknown key's id", `${version}.k9.${ad}.${impression}.${mac}`],
    ["an empty key's id", `${version}..${ad}.${impression}.${emptyKeyMac}`],
    ["the name of something on every object", `${version}.__proto__.${ad}.${impression}.${mac}`],
    ["another version", `t3.${keyId}.${ad}.${impression}.${mac}`],
    ["the version of no signature", `none.${keyId}.${ad}.${impression}.${mac}`],
    ["zeros in the open", `${version}.${keyId}.${ad}.\0${impression}.${mac}`],
    ["a shorter signature", token.slice(0, -1)],
    ["a longer one", `${token}A`],
    ["the same bytes spelt otherwise", token.slice(0, -1) + lastCharacter],
    ["padding", `${token}=`],
    ["the other base64", `${version}.${keyId}.${ad}.${impression}.${"+/".repeat(21)}+`],
    ["white space", ` ${token}`],
    ["a line break", `${token}\n`],
    ["NUL", `${token}\0`],
    ["percent escapes", token.replace(".", "%2E")],
    ["another case", token.toUpperCase()],
    ["letters that look alike", token.replace("t2", "т2")],
    ["a length without end", `${version}.${keyId}.${"A".repeat(100_000)}.${impression}.${mac}`],
  ])("fail: %s", (_what, tried) => {
    expect(verdict(tried)).toBe("bad");
  });

  // Even with a good signature: a minter that is wrong must not turn the edge into its tool.
  it.each([
    ["no JSON", sign("{")],
    ["an object", sign("{}")],
    ["too few claims", sign('["a","b"]')],
    ["numbers for ids", sign('[1,2,3,4,"https://a.example/"]')],
    ["a script to land on", sign('["a","b","c","d","javascript:alert(1)"]')],
    ["one claim too many", sign(`${AD.slice(0, -1)},1]`)],
    ["an expiry that is no number", sign(AD, "00000001zzzzzzzzimp_1")],
    ["digits in upper case", sign(AD, "000000017FFFFFFFimp_1")],
    ["an end before its beginning", sign(AD, "7fffffff00000001imp_1")],
    ["no impression", sign(AD, "000000017fffffff")],
    ["an impression with a line break", sign(AD, "000000017fffffffimp\n1")],
    ["an impression without end", sign(AD, `000000017fffffff${"x".repeat(600)}`)],
  ])("fail though signed: %s", (_what, token) => {
    expect(verdict(token)).toBe("bad");
    // Nor is what it begins with believed the second time.
    expect(verdict(token)).toBe("bad");
  });

  it("succeed when there is nothing wrong: the signer of these tests signs as we do", () => {
    expect(verdict(sign(AD, "000000017fffffffimp_1"))).toBe("ok");
  });

  it("fail, whatever bit is turned", () => {
    expect(verdict(token)).toBe("ok");
    for (let at = 0; at < token.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const turned = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit));
        expect(verdict(token.slice(0, at) + turned + token.slice(at + 1))).toBe("bad");
      }
    }
  });

  it("fail, wherever it is cut off", () => {
    for (let end = 0; end < token.length; end += 1)
      expect(verdict(token.slice(0, end))).toBe("bad");
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
