import type { Command } from "commander";
import { z } from "zod";
import type { CliContext, VerbResult } from "./context.ts";
import { UsageError } from "./errors.ts";

/** What a file of `verbs/` needs to add its verb to the program. */
export interface VerbHost {
  readonly program: Command;
  readonly context: CliContext;
  /** Runs the verb, prints its end, and notes the exit code. */
  run(asJson: boolean, verb: () => Promise<VerbResult>): Promise<void>;
}

/** The option of every verb. */
export const JSON_OPTION = ["--json", "print one JSON value instead of text"] as const;

export const jsonFlag = z.object({ json: z.boolean().default(false) });

/** An option's calendar day: told before anything is opened whether it is one, of years that events may be of. */
export const dayOption = z.iso
  .date("must be a calendar day, YYYY-MM-DD")
  .refine((day) => day >= "1970-01-01" && day < "2100-01-01", "must be of the years 1970 to 2099");

/** @throws {UsageError} naming the option and what is wrong with it. */
export function parseOptions<Options>(schema: z.ZodType<Options>, raw: unknown): Options {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `--${path.map((part) => toFlag(String(part))).join(".")}: ${message}`,
  );
  throw new UsageError(problems.join("\n"));
}

/** Commander's `fromDay` is the user's `from-day`. */
function toFlag(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A sub-command's group, such as `events` of `events send`; made by whoever needs it first. */
export function group(program: Command, name: string, description: string): Command {
  const there = program.commands.find((command) => command.name() === name);
  return there ?? program.command(name).description(description);
}
