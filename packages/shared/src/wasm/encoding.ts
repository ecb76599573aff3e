/**
 * WebAssembly's binary format, as far as modules need it that are put together here, instruction by
 * instruction (WebAssembly core specification, chapter 5).
 */

export type Code = readonly number[];

/** How every module begins: the magic number and the version. */
export const PREAMBLE: Code = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

export function section(id: number, content: Code): number[] {
  return [id, ...sized(content)];
}

export function sized(content: Code): number[] {
  return [...unsignedLeb(content.length), ...content];
}

export function name(text: string): number[] {
  return sized([...new TextEncoder().encode(text)]);
}

export function unsignedLeb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsignedLeb(value >>> 7)];
}

export function signedLeb(value: number): number[] {
  const isLast = value >= -64 && value < 64;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signedLeb(value >> 7)];
}
