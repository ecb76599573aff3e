import type { z } from "zod";

/** Texts of one kind that a process remembers what they say of. */
const TEXTS_MAX = 64;
/** A longer text is parsed each time. */
const CHARACTERS_MAX = 262_144;

/**
 * Parses texts of JSON that mostly are the same as before: a function of the text alone, so that whoever
 * brings it may have what it says. Nobody may change that.
 *
 * @throws {z.ZodError} on a text of another shape.
 */
export function parsedOnce<Value>(schema: z.ZodType<Value>): (text: string) => Value {
  /** The one that came last at the end. */
  const known = new Map<string, Value>();
  return (text) => {
    const before = known.get(text);
    const value = before ?? schema.parse(JSON.parse(text));
    if (text.length > CHARACTERS_MAX) return value;
    known.delete(text);
    known.set(text, value);
    const [oldest] = known.keys();
    if (known.size > TEXTS_MAX && oldest !== undefined) known.delete(oldest);
    return value;
  };
}
