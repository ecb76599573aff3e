/** What a person at the terminal can mend; everything else is a fault and shows its stack. */

/** The command could not be done. Exit code 1. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  /** Stable word for scripts that read `--json`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The command was asked for in a way that makes no sense. Exit code 2. */
export class UsageError extends CliError {
  override readonly name = "UsageError";

  constructor(message: string, options?: ErrorOptions) {
    super("bad_arguments", message, options);
  }
}
