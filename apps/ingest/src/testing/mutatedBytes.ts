import fc from "fast-check";

/** Bytes that readers of JSON stumble over. */
const ODD_BYTES = [
  ...Buffer.from('"\\{}[],:0-+.eEtfnu \t\r\n'),
  ...[0x00, 0x1f, 0x7f, 0x80, 0xbf, 0xc0, 0xed, 0xef, 0xff],
];

/** What stands in a text where something else should be. */
const ODD_TEXTS = [
  ...["-0", "1e400", "0.10", "1E5", "01", "1.5", "\\u0000", "\\ud83d", "\\/", "\ufeff", "\u2028"],
  ...["null", "true", '""', "[]", "{}", '"', ",", "[[[[", " \n\t ", "é", "😀", "\\n", "\x00"],
].map((text) => Buffer.from(text));

interface Mutation {
  /** Where, as a part of the length. */
  readonly at: number;
  readonly cut: number;
  readonly put: Uint8Array;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.constantFrom(0, 0, 1, 1, 2, 7),
  put: fc.oneof(
    fc.constantFrom(...ODD_BYTES).map((byte) => Uint8Array.of(byte)),
    fc.constantFrom(...ODD_TEXTS),
    fc.constant(new Uint8Array()),
  ),
});

/** Texts, most of them with a few bytes cut out, put in or changed. */
export function mutated(texts: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return fc.tuple(texts, fc.array(mutation, { maxLength: 3 })).map(([text, mutations]) =>
    mutations.reduce<Uint8Array<ArrayBuffer>>((bytes, { at, cut, put }) => {
      const start = Math.floor(at * bytes.length);
      return new Uint8Array(
        Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)]),
      );
    }, new Uint8Array(text)),
  );
}
