import { createHash, createHmac } from "node:crypto";

export interface SignedWith {
  readonly keyId: string;
  readonly secret: string;
  /** Epoch seconds. */
  readonly timestampS: number;
  readonly nonce: string;
}

/** The headers of a signed request, as its sender makes them. */
export function signedHeaders(body: string | Buffer, signed: SignedWith): Record<string, string> {
  const bodyHash = createHash("sha256").update(body).digest("hex");
  const text = `${signed.timestampS}.${signed.nonce}.${bodyHash}`;
  return {
    "x-trueclick-key": signed.keyId,
    "x-trueclick-timestamp": String(signed.timestampS),
    "x-trueclick-nonce": signed.nonce,
    "x-trueclick-signature": createHmac("sha256", signed.secret).update(text).digest("hex"),
  };
}
