import type { ByteBuffer } from "./byteBuffer.ts";

const TYPE_CODES = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

/** A field's value with the type that Thrift is to write it in. */
export type ThriftValue =
  | { readonly type: "i32"; readonly value: number }
  | { readonly type: "i64"; readonly value: bigint }
  | { readonly type: "binary"; readonly value: Buffer }
  | { readonly type: "list"; readonly of: ThriftValue["type"]; readonly value: ThriftValue[] }
  | { readonly type: "struct"; readonly value: ThriftFields };

/** Fields by their number; those that are undefined are left out. */
export type ThriftFields = Readonly<Record<number, ThriftValue | undefined>>;

export const i32 = (value: number): ThriftValue => ({ type: "i32", value });
export const i64 = (value: number | bigint): ThriftValue => ({ type: "i64", value: BigInt(value) });
export const binary = (value: string | Buffer): ThriftValue => {
  return { type: "binary", value: Buffer.from(value) };
};
export const struct = (value: ThriftFields): ThriftValue => ({ type: "struct", value });
/** @param of Of each value; a list may be empty, and says it all the same. */
export const list = (of: ThriftValue["type"], value: ThriftValue[]): ThriftValue => {
  return { type: "list", of, value };
};

/** Writes a struct in Thrift's compact protocol. */
export function writeStruct(out: ByteBuffer, fields: ThriftFields): void {
  let lastId = 0;
  // Keys that are whole numbers come in ascending order, as the protocol wants them.
  for (const [key, field] of Object.entries(fields)) {
    if (field === undefined) continue;
    const id = Number(key);
    const code = TYPE_CODES[field.type];
    if (id - lastId <= 15) {
      out.byte(((id - lastId) << 4) | code);
    } else {
      out.byte(code);
      out.zigzag(BigInt(id));
    }
    lastId = id;
    writeValue(out, field);
  }
  out.byte(0);
}

function writeValue(out: ByteBuffer, field: ThriftValue): void {
  switch (field.type) {
    case "i32":
      out.zigzag(BigInt(field.value));
      break;
    case "i64":
      out.zigzag(field.value);
      break;
    case "binary":
      out.varint(field.value.length);
      out.copy(field.value, 0, field.value.length);
      break;
    case "struct":
      writeStruct(out, field.value);
      break;
    case "list": {
      const { length } = field.value;
      const code = TYPE_CODES[field.of];
      if (length < 15) {
        out.byte((length << 4) | code);
      } else {
        out.byte(0xf0 | code);
        out.varint(length);
      }
      for (const item of field.value) writeValue(out, item);
    }
  }
}
