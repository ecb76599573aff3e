import { PassThrough } from "node:stream";
import fc from "fast-check";
import pg from "pg";
import { expect, it } from "vitest";
import { type BoundValue, bindMessage } from "./bindMessage.ts";

/** Around the length from which on a piece is sent as it lies. */
const lengths = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 8_180, max: 8_210 }));
const piece = fc.record({ length: lengths, byte: fc.nat({ max: 255 }) });
const value: fc.Arbitrary<BoundValue> = fc.oneof(
  fc.constant(null),
  fc.string({ unit: "binary" }),
  fc.array(
    piece.map(({ length, byte }) => Buffer.alloc(length, byte)),
    { maxLength: 4 },
  ),
);

/** What `pg` itself would send. */
function boundByPg(statement: string, values: readonly BoundValue[]): Buffer {
  const stream = new PassThrough();
  const joined = values.map((one) =>
    one === null || typeof one === "string" ? one : Buffer.concat([...one]),
  );
  new pg.Connection({ stream: () => stream }).bind({ statement, values: joined }, true);
  return stream.read();
}

// One byte too many or too few, and the server reads what follows as another message.
it("is byte for byte the message that pg sends, however its bytes are cut", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(value, { maxLength: 8 }), (name, values) => {
      const statement = name.replaceAll("\0", "");
      expect(Buffer.concat([...bindMessage(statement, values)])).toEqual(
        boundByPg(statement, values),
      );
    }),
  );
});

it("does not copy what is long", () => {
  const [short, long] = [Buffer.alloc(100, 1), Buffer.alloc(100_000, 2)];
  const message = bindMessage("append", ["topic", [short, long, short]]);
  expect(message).toContain(long);
  expect(message).not.toContain(short);
});
