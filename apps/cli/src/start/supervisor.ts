/** Keeps a program running: starts it again when it ends, ever later, until that has no sense. */
import { setTimeout as pause } from "node:timers/promises";
import type { LogFile } from "./logFile.ts";

export interface Patience {
  /** Before the second start, milliseconds; doubled before each further one. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A run that lasted this long was a good one: earlier ends are forgotten. */
  readonly goodRunMs: number;
}

const PATIENCE_DEFAULT: Patience = {
  backoffMinMs: 500,
  backoffMaxMs: 15_000,
  goodRunMs: 30_000,
};
/** Short runs in a row after which the program is given up. */
const SHORT_RUNS_MAX = 6;

/** One run of a program. */
export interface RunningProgram {
  readonly pid: number;
  /** Settles when it has ended, never rejects. */
  readonly exited: Promise<void>;
  /** Ends it, gently first. */
  stop(): Promise<void>;
  kill(): void;
}

export interface SupervisedProgram {
  readonly name: string;
  readonly log: LogFile;
  start(): Promise<RunningProgram>;
  /** Called at every start, the first included. */
  onStart(pid: number): Promise<void>;
}

/** The program ends as soon as it is started; its last words are in the message. */
export class ProgramGivenUpError extends Error {
  override readonly name = "ProgramGivenUpError";
  readonly program: string;

  constructor({ name, log }: SupervisedProgram, options?: ErrorOptions) {
    const words = log.lastLines().map((line) => `    ${line}`);
    super(
      `${name} keeps ending and was given up after ${SHORT_RUNS_MAX} tries. Its last words, from ` +
        `${log.path}:\n${words.join("\n") || "    (none)"}`,
      options,
    );
    this.program = name;
  }
}

export interface Supervision {
  readonly name: string;
  /** Rejects with `ProgramGivenUpError`; resolves after `stop()`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  /** Ends it at once, for a user who will not wait. */
  kill(): void;
}

/**
 * Starts a program and keeps it running until it is stopped.
 *
 * @throws what the first start throws: a program that never ran is not one that fell over.
 */
export async function supervise(
  program: SupervisedProgram,
  patience: Patience = PATIENCE_DEFAULT,
): Promise<Supervision> {
  return new ProgramSupervision(program, await startOnce(program), patience);
}

class ProgramSupervision implements Supervision {
  readonly name: string;
  readonly ended: Promise<void>;
  readonly #program: SupervisedProgram;
  readonly #patience: Patience;
  readonly #stopping = new AbortController();
  #current: RunningProgram;
  #startedAtMs = Date.now();
  #shortRuns = 0;

  constructor(program: SupervisedProgram, running: RunningProgram, patience: Patience) {
    this.name = program.name;
    this.#program = program;
    this.#patience = patience;
    this.#current = running;
    this.ended = this.#keepRunning();
    // Heard by whoever waits for `ended`; until somebody does, it is no unhandled rejection.
    this.ended.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#current.stop();
    await this.ended.catch(() => {});
  }

  kill(): void {
    this.#stopping.abort();
    this.#current.kill();
  }

  async #keepRunning(): Promise<void> {
    for (;;) {
      await this.#current.exited;
      if (this.#stopping.signal.aborted) return;
      await this.#backOff();
      if (this.#stopping.signal.aborted) return;
      await this.#startAgain();
      // Stopped while it was starting, when `stop` still saw its predecessor.
      if (this.#stopping.signal.aborted) return this.#current.stop();
    }
  }

  /** @throws {ProgramGivenUpError} after too many short runs in a row. */
  async #backOff(): Promise<void> {
    const { backoffMinMs, backoffMaxMs, goodRunMs } = this.#patience;
    const wasGood = Date.now() - this.#startedAtMs >= goodRunMs;
    this.#shortRuns = wasGood ? 1 : this.#shortRuns + 1;
    if (this.#shortRuns >= SHORT_RUNS_MAX) throw new ProgramGivenUpError(this.#program);
    const waitMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** (this.#shortRuns - 1));
    this.#program.log.write(`${this.name} ended; it is started again in ${waitMs} ms`);
    await pause(waitMs, null, { signal: this.#stopping.signal }).catch(() => null);
  }

  async #startAgain(): Promise<void> {
    this.#startedAtMs = Date.now();
    try {
      this.#current = await startOnce(this.#program);
    } catch (error) {
      // Counted like a run that ended at once: what it ran into may pass.
      this.#program.log.write(`${this.name} did not start: ${String(error)}`);
    }
  }
}

async function startOnce(program: SupervisedProgram): Promise<RunningProgram> {
  const running = await program.start();
  await program.onStart(running.pid);
  return running;
}
