import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import {
  type CliContext,
  EXIT_BAD_ARGUMENTS,
  EXIT_DONE,
  type ExitCode,
} from "./terminal/context.ts";
import { UsageError } from "./terminal/errors.ts";
import { printError, runVerb } from "./terminal/runVerb.ts";
import type { VerbHost } from "./terminal/verbs.ts";
import { addArchiveCheck } from "./verbs/archiveCheck.ts";
import { addAttribution } from "./verbs/attribution.ts";
import { addBacktest } from "./verbs/backtest.ts";
import { addBatchCancel } from "./verbs/batchCancel.ts";
import { addBatchDiff } from "./verbs/batchDiff.ts";
import { addBatchRun } from "./verbs/batchRun.ts";
import { addBatchStatus } from "./verbs/batchStatus.ts";
import { addBatchSweep } from "./verbs/batchSweep.ts";
import { addCampaignStatus } from "./verbs/campaignStatus.ts";
import { addCampaignsImport } from "./verbs/campaignsImport.ts";
import { addDemo } from "./verbs/demo.ts";
import { addEventsFromWeblog } from "./verbs/eventsFromWeblog.ts";
import { addEventsSend } from "./verbs/eventsSend.ts";
import { addFraud } from "./verbs/fraud.ts";
import { addKeys } from "./verbs/keys.ts";
import { addQuarantine } from "./verbs/quarantine.ts";
import { addRecompute } from "./verbs/recompute.ts";
import { addRules } from "./verbs/rules.ts";
import { addStart } from "./verbs/start.ts";
import { addTokens } from "./verbs/tokens.ts";
import { addTrace } from "./verbs/trace.ts";
import { addVerify } from "./verbs/verify.ts";

const VERBS: readonly ((host: VerbHost) => void)[] = [
  addStart,
  addEventsSend,
  addEventsFromWeblog,
  addCampaignsImport,
  addCampaignStatus,
  addBatchRun,
  addBatchStatus,
  addBatchCancel,
  addBatchDiff,
  addBatchSweep,
  addRecompute,
  addTrace,
  addVerify,
  addArchiveCheck,
  addAttribution,
  addBacktest,
  addFraud,
  addRules,
  addKeys,
  addQuarantine,
  addTokens,
  addDemo,
];

/** Runs the command line and answers the exit code. Never throws for what a user can mend. */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_DONE;
  const program = new Command("trueclick")
    .description("Counts ad clicks twice on purpose: fast for decisions, right for money.")
    .version(manifest.version)
    // Before any sub-command is added: they inherit both.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    });
  const host: VerbHost = {
    program,
    context,
    run: async (asJson, verb) => {
      exitCode = await runVerb(context, asJson, verb);
    },
  };
  for (const addVerb of VERBS) addVerb(host);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    const wrong = error instanceof CommanderError ? usageErrorOf(error) : error;
    if (wrong === null) return EXIT_DONE;
    if (!(wrong instanceof UsageError)) throw error;
    // Which verb was meant may be unknown; whoever wrote the option anywhere reads JSON.
    const asJson = args.includes("--json");
    if (asJson || wrong === error) printError(context, asJson, wrong);
    return EXIT_BAD_ARGUMENTS;
  }
}

/** Commander has told people already; scripts are told by us. Null: help or version, as asked for. */
function usageErrorOf(error: CommanderError): UsageError | null {
  if (error.exitCode === 0) return null;
  const isHalf = error.code === "commander.help";
  const message = isHalf ? "a sub-command is missing; --help lists them" : error.message;
  return new UsageError(message.replace(/^error: /, ""), { cause: error });
}
