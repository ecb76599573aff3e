import type { ExitCode, VerbResult } from "./context.ts";
import { type CliContext, EXIT_BAD_ARGUMENTS, EXIT_DONE, EXIT_FAILED } from "./context.ts";
import { CliError, UsageError } from "./errors.ts";

/**
 * Runs a verb and prints its end: for people the text, for scripts one JSON value on standard
 * output, errors included. A fault that is nobody's to mend at the terminal keeps its stack.
 */
export async function runVerb(
  context: CliContext,
  asJson: boolean,
  verb: () => Promise<VerbResult>,
): Promise<ExitCode> {
  try {
    const { text, json, exitCode = EXIT_DONE } = await verb();
    context.stdout.write(asJson ? `${toJson(json)}\n` : `${text}\n`);
    return exitCode;
  } catch (error) {
    printError(context, asJson, error);
    return error instanceof UsageError ? EXIT_BAD_ARGUMENTS : EXIT_FAILED;
  }
}

/** Tells of what went wrong: people on standard error, scripts on standard output. */
export function printError(context: CliContext, asJson: boolean, error: unknown): void {
  const known = error instanceof CliError;
  const message = error instanceof Error ? error.message : String(error);
  if (asJson) {
    const code = known ? error.code : "fault";
    context.stdout.write(`${toJson({ error: { code, message } })}\n`);
    return;
  }
  context.stderr.write(`${known ? message : describeFault(error)}\n`);
}

function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by: ${describeFault(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** Counts and money past 2^53 are written as strings: a JSON number would lose digits. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "bigint" ? toNumberOrText(item) : item,
  );
}

function toNumberOrText(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
