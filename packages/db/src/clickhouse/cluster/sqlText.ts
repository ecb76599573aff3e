/** As much of SQL as tells where a statement's parts are. */

/** A statement without its comments, and the same with the insides of quotes blanked out. */
export interface SqlText {
  readonly text: string;
  /** Of the same length: what is found here stands at the same place there. */
  readonly mask: string;
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|`(?:[^`\\]|\\[\s\S])*`|"(?:[^"\\]|\\[\s\S])*"/g;

/** Reads one statement; a semicolon at its end is dropped. */
export function readSql(sql: string): SqlText {
  const text = sql
    .replace(TOKEN, (token) => (/^(?:--|\/\*)/.test(token) ? " ".repeat(token.length) : token))
    .replace(/[\s;]+$/, "")
    .trimStart();
  const mask = text.replace(TOKEN, (token) => {
    return `${token.charAt(0)}${"_".repeat(token.length - 2)}${token.charAt(0)}`;
  });
  return { text, mask };
}

/** The place behind the bracket that closes the one at `open`; -1 where none does. */
export function endOfBrackets({ mask }: SqlText, open: number): number {
  let depth = 0;
  for (let at = open; at < mask.length; at += 1) {
    const character = mask.charAt(at);
    if (character === "(" || character === "[") depth += 1;
    if (character === ")" || character === "]") depth -= 1;
    if (depth === 0) return at + 1;
  }
  return -1;
}

/** The parts of a text from some place on, cut at the commas that stand in no brackets. */
export function splitAtCommas({ text, mask }: SqlText, from: number): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = from;
  for (let at = from; at < mask.length; at += 1) {
    const character = mask.charAt(at);
    if (character === "(" || character === "[") depth += 1;
    if (character === ")" || character === "]") depth -= 1;
    if (character !== "," || depth > 0) continue;
    parts.push(text.slice(start, at).trim());
    start = at + 1;
  }
  return [...parts, text.slice(start).trim()];
}
