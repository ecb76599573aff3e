import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { hmacSha256, prepareHmacKey } from "./hmacSha256.ts";

const hmacHex = (key: Uint8Array, message: Uint8Array) =>
  Buffer.from(hmacSha256(prepareHmacKey(key), message)).toString("hex");
const hex = (text: string) => Buffer.from(text, "hex");

// RFC 4231, test cases 1 to 4, 6 and 7; 5 shows a truncated result only.
it.each([
  [
    hex("0b".repeat(20)),
    "Hi There",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    "Jefe",
    "what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    hex("aa".repeat(20)),
    hex("dd".repeat(50)),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  ],
  [
    hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
    hex("cd".repeat(50)),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
  ],
  [
    hex("aa".repeat(131)),
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
  [
    hex("aa".repeat(131)),
    "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
  ],
])("gives the results of RFC 4231", (key, message, expected) => {
  expect(hmacHex(Buffer.from(key), Buffer.from(message))).toBe(expected);
});

const agreesWithOpenSsl = (key: Uint8Array, message: Uint8Array) => {
  expect(hmacHex(key, message)).toBe(createHmac("sha256", key).update(message).digest("hex"));
};

it("agrees with OpenSSL at every length around the ends of blocks", () => {
  const bytes = Buffer.from(Array.from({ length: 400 }, (_, index) => (index * 7) & 0xff));
  for (let length = 0; length <= 200; length += 1) {
    agreesWithOpenSsl(bytes.subarray(0, length), bytes);
    agreesWithOpenSsl(bytes, bytes.subarray(0, length));
  }
});

it("agrees with OpenSSL on any key and message, the long ones too", () => {
  const key = fc.uint8Array({ maxLength: 200 });
  const message = fc.uint8Array({ maxLength: 30_000, size: "max" });
  fc.assert(fc.property(key, message, agreesWithOpenSsl), { numRuns: 200 });
});
