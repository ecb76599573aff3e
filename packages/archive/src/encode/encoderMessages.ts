import type { EncodedHour } from "../objectEncoder.ts";

/** A stretch in few pieces, which go from thread to thread without being copied. */
export interface EncodeRequest {
  readonly kind: "encode";
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

/** Objects to be made one of. */
export interface MergeRequest {
  readonly kind: "merge";
  readonly id: number;
  readonly base: bigint;
  readonly objects: readonly Uint8Array<ArrayBuffer>[];
}

export type EncoderAnswer =
  | { readonly kind: "encoded"; readonly id: number; readonly hours: readonly EncodedHour[] }
  | {
      readonly kind: "merged";
      readonly id: number;
      readonly rows: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "failed"; readonly id: number; readonly error: unknown };
