/** PostgreSQL's Bind message, as bytes that need not lie in one piece. */

/** Text, null, or the bytes of a `bytea` in pieces that lie one behind the other. */
export type BoundValue = string | null | readonly Buffer[];

/** Shorter pieces are copied; longer ones are sent from where they lie, bytes. */
const COPIED_BYTES_MAX = 8_192;

const BIND = 0x42;
const NULL_LENGTH = -1;
const TEXT_FORMAT = 0;
const BINARY_FORMAT = 1;
/** Of the one result column, as text. */
const RESULT_FORMATS = 1;

/**
 * What binds values to a statement that the connection has parsed. Whatever builds it in one buffer
 * copies each value two or three times over, into memory that is new each time and grows on the way.
 *
 * @returns Pieces to write one behind the other, nothing between them.
 */
export function bindMessage(statement: string, values: readonly BoundValue[]): readonly Buffer[] {
  const lengths = values.map(bytesOf);
  const headBytes = 1 + 4 + 1 + Buffer.byteLength(statement) + 1 + 2 + 2 * values.length + 2;
  const tailBytes = 2 + 2;
  const valueBytes = lengths.reduce((sum, length) => sum + 4 + Math.max(0, length), 0);
  const lentBytes = values.flatMap(piecesOf).filter(isLent).reduce(addLength, 0);
  const own = Buffer.allocUnsafe(headBytes + valueBytes + tailBytes - lentBytes);

  own[0] = BIND;
  // Its own four bytes included, the one before them not.
  let at = own.writeInt32BE(own.length + lentBytes - 1, 1);
  // The portal has no name.
  own[at] = 0;
  at += 1 + own.write(statement, at + 1);
  own[at] = 0;
  at = own.writeInt16BE(values.length, at + 1);
  for (const value of values) {
    at = own.writeInt16BE(Array.isArray(value) ? BINARY_FORMAT : TEXT_FORMAT, at);
  }
  at = own.writeInt16BE(values.length, at);

  const message: Buffer[] = [];
  let from = 0;
  for (const [index, value] of values.entries()) {
    at = own.writeInt32BE(lengths[index] ?? NULL_LENGTH, at);
    if (typeof value === "string") at += own.write(value, at);
    for (const piece of piecesOf(value)) {
      if (isLent(piece)) {
        message.push(own.subarray(from, at), piece);
        from = at;
      } else at += piece.copy(own, at);
    }
  }
  at = own.writeInt16BE(RESULT_FORMATS, at);
  own.writeInt16BE(TEXT_FORMAT, at);
  message.push(own.subarray(from));
  return message;
}

function bytesOf(value: BoundValue): number {
  if (value === null) return NULL_LENGTH;
  return typeof value === "string" ? Buffer.byteLength(value) : value.reduce(addLength, 0);
}

function piecesOf(value: BoundValue): readonly Buffer[] {
  return value === null || typeof value === "string" ? [] : value;
}

function isLent(piece: Buffer): boolean {
  return piece.length > COPIED_BYTES_MAX;
}

function addLength(sum: number, { length }: Buffer): number {
  return sum + length;
}
