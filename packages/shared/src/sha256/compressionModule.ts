/**
 * SHA-256's compression function (FIPS 180-4 §6.2.2) as a WebAssembly module, put together here
 * instruction by instruction, so that there is neither a compiler to install nor a binary to trust.
 *
 * Why WebAssembly: it has a rotate instruction and integers that never become doubles. Why by hand:
 * all 64 rounds are laid out one behind the other with the working variables renamed instead of
 * moved, which no loop in JavaScript is compiled to.
 */

import { type Code, name, PREAMBLE, section, sized, unsignedLeb } from "../wasm/encoding.ts";
import {
  ADD,
  AND,
  BRANCH_IF,
  constant,
  EMPTY_BLOCK,
  END,
  FUNCTION,
  get,
  LOOP,
  load,
  OR,
  ROTATE_LEFT,
  ROTATE_RIGHT,
  SHIFT_RIGHT,
  SUB,
  set,
  store,
  TEE,
  VALUE_I32,
  XOR,
} from "../wasm/instructions.ts";

const ROUNDS = 64;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
] as const;

// Locals of both functions: their five parameters, then the variables of the standard.
const FROM = 0;
const TO = 1;
const BLOCK = 2;
const COUNT = 3;
const OUTER = 4;
const PARAMETERS = 5;
const WORKING = 5;
const STATE = 13;
const SCHEDULE = 21;
const SCRATCH = 37;
/** `a ^ b` of this round and of the one before, in turns: what majority needs of both. */
const DIFFERENCE = 38;
const LOCALS = DIFFERENCE + 2 - PARAMETERS;

const rotated = (local: number, bits: number): Code => [
  ...get(local),
  ...constant(bits),
  ROTATE_RIGHT,
];

/** Memory of the module, in pages of 64 KiB: one to work in, the others for who keeps states there. */
export const PAGES = 65;
export const PAGE_BYTES = 65_536;

/**
 * The module's bytes. It exports `memory` and
 *
 * - `compress(from, to, block, count, 0)`: from the chaining value at `from` over `count` ≥ 1 blocks
 *   of 64 bytes at `block`, the result put at `to`;
 * - `hmac(from, to, block, count, outer)`: the same for the last blocks of an inner hash, and from the
 *   chaining value at `outer` over its digest, the HMAC put at `to`.
 *
 * All values are big-endian, as the standard writes them.
 */
export function compressionModuleBytes(): Uint8Array<ArrayBuffer> {
  const parameters = Array.from({ length: PARAMETERS }, () => VALUE_I32);
  const functions = [
    [...chain(), ...stored(), END],
    [...chain(), ...overDigest(), ...stored(), END],
  ].map((code) => sized([...[1, LOCALS, VALUE_I32], ...code]));
  return Uint8Array.from([
    ...PREAMBLE,
    ...section(1, [1, FUNCTION, PARAMETERS, ...parameters, 0]),
    ...section(3, [2, 0, 0]),
    // These pages, and never more.
    ...section(5, [1, 0x01, ...unsignedLeb(PAGES), ...unsignedLeb(PAGES)]),
    ...section(7, [
      ...[3, ...name("memory"), 0x02, 0],
      ...[...name("compress"), 0x00, 0, ...name("hmac"), 0x00, 1],
    ]),
    ...section(10, [2, ...functions.flat()]),
  ]);
}

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

/** From `from` over the blocks, the result left in the locals of the state. */
function chain(): number[] {
  return [
    ...EIGHT.flatMap((index) => [...bigEndianWord(FROM, index), ...set(STATE + index)]),
    ...[LOOP, EMPTY_BLOCK],
    ...Array.from({ length: 16 }, (_, index) => [
      ...[...bigEndianWord(BLOCK, index), ...set(SCHEDULE + index)],
    ]).flat(),
    ...block(),
    ...[...get(BLOCK), ...constant(64), ADD, ...set(BLOCK)],
    ...[...get(COUNT), ...constant(1), SUB, TEE, COUNT, BRANCH_IF, 0],
    END,
  ];
}

/** From `outer` over the state as a message of 32 bytes behind a block: an HMAC's second hash. */
function overDigest(): number[] {
  const padding = [0x8000_0000, 0, 0, 0, 0, 0, 0, 8 * (64 + 32)];
  return [
    ...EIGHT.flatMap((index) => [...get(STATE + index), ...set(SCHEDULE + index)]),
    ...padding.flatMap((word, index) => [...constant(word), ...set(SCHEDULE + 8 + index)]),
    ...EIGHT.flatMap((index) => [...bigEndianWord(OUTER, index), ...set(STATE + index)]),
    ...block(),
  ];
}

/** One block, whose words are in the schedule. */
function block(): number[] {
  return [
    ...EIGHT.flatMap((index) => [...get(STATE + index), ...set(WORKING + index)]),
    ...[...get(WORKING + 1), ...get(WORKING + 2), XOR, ...set(DIFFERENCE + 1)],
    ...Array.from({ length: ROUNDS }, (_, index) => round(index)).flat(),
    ...EIGHT.flatMap((index) => [
      ...[...get(STATE + index), ...get(WORKING + index), ADD],
      ...set(STATE + index),
    ]),
  ];
}

function stored(): number[] {
  return EIGHT.flatMap((index) => [
    ...get(TO),
    ...[...get(STATE + index), ...set(SCRATCH), ...byteSwapped(SCRATCH)],
    ...store(4 * index),
  ]);
}

/** One round. After 64 of them every variable has its own name again. */
function round(index: number): number[] {
  const variable = (place: number) => WORKING + ((place + ROUNDS - index) & 7);
  const [a, b, d] = [variable(0), variable(1), variable(3)];
  const [e, f, g, h] = [variable(4), variable(5), variable(6), variable(7)];
  const word = SCHEDULE + (index & 15);
  const choice = [...get(g), ...get(e), ...get(f), ...get(g), XOR, AND, XOR];
  const [now, before] = [DIFFERENCE + (index & 1), DIFFERENCE + ((index + 1) & 1)];
  // b ^ ((a ^ b) & (b ^ c)); the last difference was taken when b and c were a and b.
  const majority = [...get(a), ...get(b), XOR, TEE, now, ...get(before), AND, ...get(b), XOR];
  return [
    ...(index < 16 ? [] : extended(index)),
    ...[...get(h), ...get(word), ADD, ...constant(K[index] ?? 0), ADD],
    ...[...rotated(e, 6), ...rotated(e, 11), XOR, ...rotated(e, 25), XOR, ADD],
    ...[...choice, ADD, TEE, h],
    ...[...get(d), ADD, ...set(d)],
    ...[...get(h), ...rotated(a, 2), ...rotated(a, 13), XOR, ...rotated(a, 22), XOR, ADD],
    ...[...majority, ADD, ...set(h)],
  ];
}

/** The message schedule, in a ring of 16 words. */
function extended(index: number): number[] {
  const word = (back: number) => SCHEDULE + ((index - back) & 15);
  const [old, recent] = [word(15), word(2)];
  return [
    ...[...get(word(16)), ...get(word(7)), ADD],
    ...[
      ...rotated(old, 7),
      ...rotated(old, 18),
      XOR,
      ...get(old),
      ...constant(3),
      SHIFT_RIGHT,
      XOR,
    ],
    ADD,
    ...[...rotated(recent, 17), ...rotated(recent, 19), XOR],
    ...[...get(recent), ...constant(10), SHIFT_RIGHT, XOR, ADD],
    ...set(word(16)),
  ];
}

function bigEndianWord(address: number, index: number): number[] {
  const loaded = [...get(address), ...load(4 * index), ...set(SCRATCH)];
  return [...loaded, ...byteSwapped(SCRATCH)];
}

/** WebAssembly reads little-endian, everywhere. */
function byteSwapped(local: number): number[] {
  return [
    ...[...get(local), ...constant(8), ROTATE_LEFT, ...constant(0x00ff00ff), AND],
    ...[...get(local), ...constant(8), ROTATE_RIGHT, ...constant(0xff00ff00), AND, OR],
  ];
}
