import type { ProgressStream, TextSink } from "./progress.ts";

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_BAD_ARGUMENTS = 2;
export type ExitCode = typeof EXIT_DONE | typeof EXIT_FAILED | typeof EXIT_BAD_ARGUMENTS;

/** What the world hands to a command. Built by `main.ts`, and by tests. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that holds `apps` and `packages`. */
  readonly root: string;
  readonly stdin: AsyncIterable<Buffer>;
  readonly stdout: TextSink;
  readonly stderr: ProgressStream;
  /** Aborted when the user wants an orderly end. */
  readonly stop: AbortSignal;
  /** Aborted when the user will not wait for it. */
  readonly force: AbortSignal;
}

/** What a verb has to say at its end: to a person, and with `--json` to a script. */
export interface VerbResult {
  readonly text: string;
  readonly json: unknown;
  readonly exitCode?: ExitCode;
}
