/** Reads a partner's file of decisions: CSV with a header. */
import type { NewDecision } from "@trueclick/db/queries/fraudDecisions";
import { CliError } from "../terminal/errors.ts";
import { parseInstant } from "../terminal/parseInstant.ts";
import { parseCsv, readTextFile } from "../terminal/readCsv.ts";
import { parseScope, SCOPE_WORDS } from "./domain/decisionScope.ts";

const FILE_BYTES_MAX = 32 * 1_048_576;
const REASON_LENGTH_MAX = 500;
/** A column is the word of the command line, or that word and `_id`. */
const COLUMNS = {
  required: ["from", "to", "reason"],
  optional: SCOPE_WORDS.flatMap((word) => [word, `${word}_id`]),
};

/**
 * Columns: those of a scope (`campaign_id`, `ad_id`, `publisher_id`, `user_id`, `event_id`,
 * `advertiser_id`, `ip_net`), any of them, and `from`, `to`, `reason`.
 *
 * @throws {CliError} `bad_file`, with the line, if it is not of that form.
 */
export async function readDecisionFile(path: string): Promise<NewDecision[]> {
  const text = await readTextFile(path, FILE_BYTES_MAX);
  return parseCsv(text, COLUMNS).map(({ fields, line }) => toDecision(fields, line));
}

function toDecision(
  { from, to, reason = "", ...columns }: Readonly<Record<string, string>>,
  line: number,
): NewDecision {
  const refuse = (wrong: string): never => {
    throw new CliError("bad_file", `line ${line}: ${wrong}`);
  };
  const words = Object.entries(columns).map(([column, value]) => {
    const word = column.replace(/_id$/, "");
    return [SCOPE_WORDS.includes(word) ? word : column, value] as const;
  });
  const parsed = parseScope(words);
  if ("wrong" in parsed) return refuse(parsed.wrong);
  if (reason === "" || reason.length > REASON_LENGTH_MAX) {
    return refuse(`needs a reason of at most ${REASON_LENGTH_MAX} characters`);
  }
  return { scope: parsed.scope, range: parseRange(from, to, refuse), reason };
}

function parseRange(
  from: string | undefined,
  to: string | undefined,
  refuse: (wrong: string) => never,
) {
  try {
    const range = { fromMs: parseInstant("from", from), toMs: parseInstant("to", to) };
    return range.toMs > range.fromMs ? range : refuse("`to` must come after `from`");
  } catch (error) {
    if (error instanceof CliError && error.code === "bad_arguments") return refuse(error.message);
    throw error;
  }
}
