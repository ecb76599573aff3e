import type { EncodedHour } from "../objectEncoder.ts";

/** A stretch in few pieces, which go from thread to thread without being copied. */
export interface EncodeRequest {
  readonly id: number;
  readonly partition: number;
  readonly firstOffset: bigint;
  /** The blocks of all records, one behind the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each block ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly offsets: BigInt64Array<ArrayBuffer>;
  readonly appendTimesMs: Float64Array<ArrayBuffer>;
}

export interface EncodeAnswer {
  readonly id: number;
  readonly hours: readonly (EncodedHour & { readonly bytes: Uint8Array<ArrayBuffer> })[];
}
