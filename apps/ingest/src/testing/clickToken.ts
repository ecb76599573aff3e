import type { ClickClaims } from "@trueclick/shared/token/claims";
import { TokenKeyring } from "@trueclick/shared/token/click";

/** Claims that agree with `click()`, with what a test wants otherwise. */
export function clickClaims(nowMs: number, change: Partial<ClickClaims> = {}): ClickClaims {
  return {
    issuer: "src_adserver",
    impressionId: "imp_00000001",
    campaignId: "cmp_1",
    adId: "ad_1",
    publisherId: "pub_1",
    issuedAtS: Math.floor(nowMs / 1_000) - 60,
    expiresAtS: Math.floor(nowMs / 1_000) + 3_600,
    landingUrl: "https://shop.example/sale?from=ad",
    ...change,
  };
}

export function mintFor(claims: ClickClaims, secret: Uint8Array, keyId = "k1"): string {
  return new TokenKeyring(new Map([[keyId, secret]])).mint(claims, keyId);
}
