/** What a process does once before it says that it is ready, so that who comes first does not wait for it. */
import { flushCompileCache } from "node:module";
import { warmReports } from "@trueclick/db/queries/warmReports";
import { warmOpenHours } from "@trueclick/db/routing/openHourRows";
import { reasonOf, toLogLine } from "./logLine.ts";
import { askShortQuestions, askWarmQuestions } from "./warmQuestions.ts";
import { askForPages, askOften } from "./warmRequests.ts";
import type { WarmedParts, Warmth } from "./warmth.ts";

/** What one report, and whoever asks beside it, takes at once. */
const CONNECTIONS_WARM = 6;

interface WarmUpOptions {
  /** Of this process, on this machine. */
  readonly ownUrl: string;
  /** Takes what went wrong, a line of JSON. */
  readonly tell?: (line: string) => void;
}

/**
 * Opens connections and prepares statements, asks the process's own address, and has reports answered in the
 * process: connections, code that is loaded and compiled, and what the engine keeps of its newest parts are
 * what the first of all requests waits for. No answer is kept, but everybody's open hours are.
 *
 * Never rejects. It ends in time, whatever hangs: then who asks is told what is wrong.
 */
export async function warmUp(parts: WarmedParts, options: WarmUpOptions): Promise<void> {
  const { ownUrl, tell = writeLine } = options;
  const { stores, warmth } = parts;
  const problems = new Set<string>();
  const take = (step: () => Promise<void>) =>
    inTime(warmth, step).catch((error: unknown) => problems.add(reasonOf(error)));
  await take(() => warmReports(stores, CONNECTIONS_WARM));
  // These need both stores; without them each would fail over and over. First comes what is of most use.
  if (problems.size === 0) await take(() => warmOpenHours(stores, Date.now()));
  if (problems.size === 0) await take(() => askWarmQuestions(parts));
  if (problems.size === 0) await take(() => askOften(ownUrl, warmth));
  await take(() => askForPages(ownUrl, warmth));
  // For the next start, also where this one had too little time. Never fails.
  flushCompileCache();
  if (problems.size === 0) await take(() => askShortQuestions(parts));
  warmth.end();
  if (problems.size > 0) {
    tell(toLogLine("warn", "ready, and not all of it is warm", [...problems].join("; ")));
  }
}

/** @throws what the work throws, or {Error} once there is no time left, however far it is. */
async function inTime(warmth: Warmth, work: () => Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error("there was no time left")), warmth.leftMs());
  try {
    await (warmth.isOver() ? late : Promise.race([work(), late]));
  } finally {
    clearTimeout(timer);
  }
}

function writeLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
