/// <reference path="./kafkajsInternals.d.ts" />

import Encoder from "kafkajs/src/protocol/encoder.js";

/** More than what kafkajs puts before a request: twenty bytes and the client's id. */
const FRONT_BYTES = 512;
/** By the bytes of an encoder: those with the room before them. */
const wholes = new WeakMap<Buffer, Buffer>();

/** An encoder with room for `bytes`, and for what kafkajs will put before them. */
export function encoderWithFrontRoom(bytes: number): Encoder {
  const whole = Buffer.allocUnsafeSlow(FRONT_BYTES + bytes);
  const encoder = new Encoder(1);
  encoder.buf = whole.subarray(FRONT_BYTES);
  wholes.set(encoder.buf, whole);
  return encoder;
}

/**
 * Has kafkajs put the header of a request and its length before the bytes of an encoder with room in
 * front, where it otherwise copies a whole request behind them, twice, into zeroed memory.
 */
export function useFrontRoom(): void {
  const copyBehind = Encoder.prototype.writeEncoder;
  Encoder.prototype.writeEncoder = function writeEncoder(this: Encoder, value: Encoder) {
    const whole = wholes.get(value.buf);
    const start = whole === undefined ? -1 : frontOf(whole, value) - this.offset;
    if (whole === undefined || start < 0) return copyBehind.call(this, value);
    this.buf.copy(whole, start, 0, this.offset);
    const bytes = this.offset + value.offset;
    this.buf = whole.subarray(start, start + bytes);
    this.offset = bytes;
    wholes.set(this.buf, whole);
    return this;
  };
}

/** Bytes of room before those of an encoder. */
function frontOf(whole: Buffer, { buf }: Encoder): number {
  return buf.byteOffset - whole.byteOffset;
}
