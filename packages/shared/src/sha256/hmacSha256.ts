/// <reference path="../wasm/webAssembly.d.ts" />
/**
 * HMAC-SHA256 (RFC 2104, FIPS 180-4) in every runtime, without a promise and without an object per
 * message. What depends on the key alone, the chaining values after its two padded blocks, is
 * computed once and kept; so may be what depends on a beginning that many messages share.
 *
 * One memory serves all: a call leaves its result there, to be read before the next call.
 */
import { compressionModuleBytes, PAGE_BYTES, PAGES } from "./compressionModule.ts";

export const SHA256_BLOCK_BYTES = 64;
export const SHA256_BYTES = 32;

/** Most bytes of a message that are handed over at once. */
export const MESSAGE_BYTES_MAX = 8_192;

// Places in the module's memory, in bytes.
const DIGEST_AT = 0;
const FROM_AT = 64;
const OUTER_AT = 128;
const MESSAGE_AT = 256;

/** The pads of RFC 2104, and what marks the end of a message. */
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const END_MARK = 0x80;
const LENGTH_BYTES = 8;
const PAD_BYTES_MAX = 128;

const INITIAL_VALUE = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** Where the hash stands after whole blocks: eight words, opaque to all but this folder. */
type ChainingValue = Int32Array;

export interface HmacKey {
  /** After the block of the key with the inner pad. */
  readonly inner: ChainingValue;
  /** After the block of the key with the outer pad. */
  readonly outer: ChainingValue;
}

const { memory, compress, hmac } = instantiate();
const fromWords = new Int32Array(memory.buffer, FROM_AT, SHA256_BYTES / 4);
const view = new DataView(memory.buffer);
const outerWords = new Int32Array(memory.buffer, OUTER_AT, SHA256_BYTES / 4);
const blockScratch = new Uint8Array(SHA256_BLOCK_BYTES);

/** Where a message is written before `absorb` and `finishHmac`. */
export const message = new Uint8Array(memory.buffer, MESSAGE_AT, MESSAGE_BYTES_MAX + PAD_BYTES_MAX);
/** The same, four bytes at a time. */
export const messageWords = new Int32Array(memory.buffer, MESSAGE_AT, MESSAGE_BYTES_MAX / 4);

/** The same, for words at any place. */
export const messageView = new DataView(memory.buffer, MESSAGE_AT, message.length);

/** Words of `keptWords` that `beginHmac` writes and `finishHmac` reads. */
export const KEPT_WORDS = 16;

/** For whoever keeps chaining values, and what belongs to them, next to the hash. */
export const keptWords = new Int32Array(memory.buffer, PAGE_BYTES, ((PAGES - 1) * PAGE_BYTES) / 4);

/** The last result of `finishHmac`. */
export const digest = new Uint8Array(memory.buffer, DIGEST_AT, SHA256_BYTES);
/** The same, for words in the order of its bytes. */
export const digestView = new DataView(memory.buffer, DIGEST_AT, SHA256_BYTES);
/** The same, four bytes at a time, in the machine's order of bytes. */
const digestWords = new Int32Array(memory.buffer, DIGEST_AT, SHA256_BYTES / 4);

/** @param secret Of any length; one longer than a block is hashed first, as RFC 2104 says. */
export function prepareHmacKey(secret: Uint8Array): HmacKey {
  const key = secret.length > SHA256_BLOCK_BYTES ? sha256(secret) : secret;
  return { inner: afterPaddedKey(key, INNER_PAD), outer: afterPaddedKey(key, OUTER_PAD) };
}

/** Takes in the first `blocks` blocks of `message`, as a beginning that `finishHmac` goes on from. */
export function beginHmac(key: HmacKey, blocks: number, keptAt: number): void {
  keptWords.set(absorb(key.inner, blocks), keptAt);
  keptWords.set(key.outer, keptAt + KEPT_WORDS / 2);
}

/**
 * Ends an HMAC with the bytes of `message` from `start` to `end`, and leaves it in `digest`. What
 * comes right behind them is overwritten.
 *
 * @param keptAt Place in `keptWords` of the chaining value before them, the key's outer one behind.
 * @param bytesBefore Bytes of the whole message that come before them.
 */
export function finishHmac(keptAt: number, start: number, end: number, bytesBefore: number): void {
  const blocks = pad(start, end, SHA256_BLOCK_BYTES + bytesBefore + end - start);
  const fromAt = PAGE_BYTES + 4 * keptAt;
  hmac(fromAt, DIGEST_AT, MESSAGE_AT + start, blocks, fromAt + SHA256_BYTES);
}

/** HMAC-SHA256 of a message of any length, 32 bytes. */
export function hmacSha256(key: HmacKey, bytes: Uint8Array): Uint8Array {
  const { from, rest } = absorbWhole(key.inner, bytes);
  message.set(rest);
  fromWords.set(from);
  outerWords.set(key.outer);
  const blocks = pad(0, rest.length, SHA256_BLOCK_BYTES + bytes.length);
  hmac(FROM_AT, DIGEST_AT, MESSAGE_AT, blocks, OUTER_AT);
  return digest.slice();
}

function absorb(from: ChainingValue, blocks: number): ChainingValue {
  fromWords.set(from);
  compress(FROM_AT, DIGEST_AT, MESSAGE_AT, blocks, 0);
  return digestWords.slice();
}

function sha256(bytes: Uint8Array): Uint8Array {
  const initial = new Uint8Array(SHA256_BYTES);
  const initialView = new DataView(initial.buffer);
  for (const [index, word] of INITIAL_VALUE.entries()) initialView.setUint32(4 * index, word);
  const { from, rest } = absorbWhole(new Int32Array(initial.buffer), bytes);
  message.set(rest);
  fromWords.set(from);
  compress(FROM_AT, DIGEST_AT, MESSAGE_AT, pad(0, rest.length, bytes.length), 0);
  return digest.slice();
}

/** Takes in all but what `message` holds, in whole blocks. */
function absorbWhole(initial: ChainingValue, bytes: Uint8Array) {
  let [from, rest] = [initial, bytes];
  while (rest.length > MESSAGE_BYTES_MAX) {
    message.set(rest.subarray(0, MESSAGE_BYTES_MAX));
    from = absorb(from, MESSAGE_BYTES_MAX / SHA256_BLOCK_BYTES);
    rest = rest.subarray(MESSAGE_BYTES_MAX);
  }
  return { from, rest };
}

/** Pads what stands in a stretch of `message`; the number of blocks that it has then. */
function pad(start: number, end: number, bytesInAll: number): number {
  const blocks = Math.ceil((end - start + 1 + LENGTH_BYTES) / SHA256_BLOCK_BYTES);
  const lengthAt = start + blocks * SHA256_BLOCK_BYTES - LENGTH_BYTES;
  message[end] = END_MARK;
  for (let index = end + 1; index < lengthAt; index += 1) message[index] = 0;
  view.setUint32(MESSAGE_AT + lengthAt, Math.floor(bytesInAll / 0x2000_0000));
  view.setUint32(MESSAGE_AT + lengthAt + 4, 8 * bytesInAll);
  return blocks;
}

function afterPaddedKey(key: Uint8Array, padByte: number): ChainingValue {
  blockScratch.fill(0);
  blockScratch.set(key);
  for (const [index, byte] of blockScratch.entries()) message[index] = byte ^ padByte;
  for (const [index, word] of INITIAL_VALUE.entries()) view.setUint32(FROM_AT + 4 * index, word);
  compress(FROM_AT, DIGEST_AT, MESSAGE_AT, 1, 0);
  return digestWords.slice();
}

type Run = (from: number, to: number, block: number, count: number, outer: number) => void;

function instantiate() {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(compressionModuleBytes()));
  const { memory: exported, compress: chained, hmac: whole } = exports;
  if (!(exported instanceof WebAssembly.Memory) || !isRun(chained) || !isRun(whole)) {
    throw new TypeError("The module of SHA-256 does not export what it should");
  }
  return { memory: exported, compress: chained, hmac: whole };
}

function isRun(value: unknown): value is Run {
  return typeof value === "function";
}
