/** A value of which there is only one JSON text. Money and offsets go in as strings of digits. */
export type Canonical =
  | null
  | boolean
  | number
  | string
  | readonly Canonical[]
  | { readonly [key: string]: Canonical };

/** Of long lists, each as it is in memory: a day's campaigns are part of what each of its hours is judged by. */
const textsOfLists = new WeakMap<readonly Canonical[], string>();
const LONG_LIST_MIN = 20;

/**
 * The one JSON text of a value: keys sorted by code units, no white space, numbers only whole. Two
 * values that are equal have the same text on every machine, so that its hash can stand for them.
 *
 * Strings as RFC 8785 has them; fractions are refused, where that RFC needs a rule for each float.
 *
 * @throws {RangeError} on a number that is not a safe integer.
 */
export function canonicalJson(value: Canonical): string {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new RangeError(`not a safe integer: ${value}`);
  }
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return listJson(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

function listJson(list: readonly Canonical[]): string {
  const known = textsOfLists.get(list);
  if (known !== undefined) return known;
  const text = `[${list.map(canonicalJson).join(",")}]`;
  if (list.length >= LONG_LIST_MIN) textsOfLists.set(list, text);
  return text;
}

// `Array.isArray` narrows to `any[]`, and not at all where the array is read-only.
function isList(value: Canonical): value is readonly Canonical[] {
  return Array.isArray(value);
}
