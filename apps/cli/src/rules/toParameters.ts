import type { RuleParameters } from "@trueclick/shared/verdict/rules";
import { UsageError } from "../terminal/errors.ts";

/** Parameters of words such as `seconds=60`. @throws {UsageError} naming the word that is none. */
export function toParameters(words: readonly string[]): RuleParameters {
  return Object.fromEntries(
    words.map((word) => {
      const [, name = "", value = ""] = /^([a-z_]+)=(true|false|\d{1,9})$/.exec(word) ?? [];
      if (name === "") throw new UsageError(`--set takes name=number or name=true, not ${word}`);
      return [name, value === "true" || (value === "false" ? false : Number(value))];
    }),
  );
}
