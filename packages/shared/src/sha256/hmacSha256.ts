/// <reference path="./webAssembly.d.ts" />
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
const OUTER_BLOCK_AT = 128;
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

const { memory, compress } = instantiate();
const fromWords = new Int32Array(memory.buffer, FROM_AT, SHA256_BYTES / 4);
const view = new DataView(memory.buffer);
const outerBlock = new Uint8Array(memory.buffer, OUTER_BLOCK_AT, SHA256_BLOCK_BYTES);
const blockScratch = new Uint8Array(SHA256_BLOCK_BYTES);

// The outer hash is always over a block of key and one digest, so its padding never changes.
outerBlock[SHA256_BYTES] = END_MARK;
view.setUint32(OUTER_BLOCK_AT + SHA256_BLOCK_BYTES - 4, 8 * (SHA256_BLOCK_BYTES + SHA256_BYTES));

/** Where a message is written before `absorb` and `finishHmac`. */
export const message = new Uint8Array(memory.buffer, MESSAGE_AT, MESSAGE_BYTES_MAX + PAD_BYTES_MAX);
/** The same, four bytes at a time. */
export const messageWords = new Int32Array(memory.buffer, MESSAGE_AT, MESSAGE_BYTES_MAX / 4);

/** For whoever keeps chaining values, and what belongs to them, next to the hash. */
export const keptWords = new Int32Array(memory.buffer, PAGE_BYTES, ((PAGES - 1) * PAGE_BYTES) / 4);

/** The last result of `finishHmac`. */
export const digest = new Uint8Array(memory.buffer, DIGEST_AT, SHA256_BYTES);
/** The same, four bytes at a time, in the machine's order of bytes. */
const digestWords = new Int32Array(memory.buffer, DIGEST_AT, SHA256_BYTES / 4);

/** @param secret Of any length; one longer than a block is hashed first, as RFC 2104 says. */
export function prepareHmacKey(secret: Uint8Array): HmacKey {
  const key = secret.length > SHA256_BLOCK_BYTES ? sha256(secret) : secret;
  return { inner: afterPaddedKey(key, INNER_PAD), outer: afterPaddedKey(key, OUTER_PAD) };
}

/**
 * Takes in the first `blocks` blocks of `message`, as the beginning of a message.
 *
 * @returns The chaining value after it, as a place of `keptWords` can take it.
 */
export function beginHmac(key: HmacKey, blocks: number): Int32Array {
  return absorb(key.inner, blocks);
}

/**
 * Ends an HMAC with the bytes of `message` from `start` to `end`, and leaves it in `digest`. What
 * comes right behind them is overwritten.
 *
 * @param keptAt Place in `keptWords` of the chaining value before them.
 * @param bytesBefore Bytes of the whole message that come before them.
 */
export function finishHmac(
  key: HmacKey,
  keptAt: number,
  [start, end, bytesBefore]: readonly [number, number, number],
): void {
  finish(key, PAGE_BYTES + 4 * keptAt, [start, end, bytesBefore]);
}

/** HMAC-SHA256 of a message of any length, 32 bytes. */
export function hmacSha256(key: HmacKey, bytes: Uint8Array): Uint8Array {
  const { from, rest } = absorbWhole(key.inner, bytes);
  message.set(rest);
  load(from);
  finish(key, FROM_AT, [0, rest.length, bytes.length - rest.length]);
  return digest.slice();
}

function finish(
  key: HmacKey,
  fromAt: number,
  [start, end, bytesBefore]: readonly [number, number, number],
): void {
  const blocks = pad(start, end, SHA256_BLOCK_BYTES + bytesBefore + end - start);
  compress(fromAt, OUTER_BLOCK_AT, MESSAGE_AT + start, blocks);
  load(key.outer);
  compress(FROM_AT, DIGEST_AT, OUTER_BLOCK_AT, 1);
}

function absorb(from: ChainingValue, blocks: number): ChainingValue {
  load(from);
  compress(FROM_AT, DIGEST_AT, MESSAGE_AT, blocks);
  return digestWords.slice();
}

function sha256(bytes: Uint8Array): Uint8Array {
  const initial = new Uint8Array(SHA256_BYTES);
  const initialView = new DataView(initial.buffer);
  for (const [index, word] of INITIAL_VALUE.entries()) initialView.setUint32(4 * index, word);
  const { from, rest } = absorbWhole(new Int32Array(initial.buffer), bytes);
  message.set(rest);
  load(from);
  compress(FROM_AT, DIGEST_AT, MESSAGE_AT, pad(0, rest.length, bytes.length));
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
  compress(FROM_AT, DIGEST_AT, MESSAGE_AT, 1);
  return digestWords.slice();
}

/** Word by word: for 32 bytes a loop is faster than a call. */
function load(value: ChainingValue): void {
  const words = fromWords;
  for (let index = 0; index < 8; index += 1) words[index] = value[index] ?? 0;
}

type Compress = (from: number, to: number, block: number, count: number) => void;

function instantiate() {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(compressionModuleBytes()));
  const { memory: exported, compress: run } = exports;
  if (!(exported instanceof WebAssembly.Memory) || !isCompress(run)) {
    throw new TypeError("The module of SHA-256 does not export what it should");
  }
  return { memory: exported, compress: run };
}

function isCompress(value: unknown): value is Compress {
  return typeof value === "function";
}
