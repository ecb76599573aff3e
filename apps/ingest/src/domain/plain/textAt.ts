/** The text of bytes that are ASCII. */
export function textAt(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end);
}
