import { z } from "zod";
import { createEdgeClient } from "../send/edgeClient.ts";
import { createPacer } from "../send/pacer.ts";
import { openInput } from "../send/readLines.ts";
import { BATCH_EVENTS_MAX, type SendSummary, sendFile } from "../send/sendFile.ts";
import { createSendStateStore, NO_SEND_STATE } from "../send/sendState.ts";
import { findDataDir } from "../stack/dataDir.ts";
import { resolveIngestUrl, resolveSourceKey } from "../stack/settings.ts";
import { type CliContext, EXIT_DONE, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { createProgress } from "../terminal/progress.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({
  source: z.string().min(1).optional(),
  rate: z.coerce.number().positive().optional(),
  strict: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

const HELP = `
Each line is one event. A line without event_id and click_id gets an id from the lines up to it, so
sending the same file twice changes nothing. A sending that was interrupted goes on where it was when
the command is given again. Files named *.gz are unpacked.

Ends with 1 if the edge accepted none, or with --strict if it rejected any. Rejected events are kept
in quarantine.`;

export function addEventsSend({ program, context, run }: VerbHost): void {
  group(program, "events", "send events, make them from other files")
    .command("send")
    .description("send events to the edge: NDJSON from a file, or from standard input")
    .argument("<file>", "the file; - is standard input")
    .option("--source <key>", "key of the source (else TRUECLICK_SOURCE_KEY, else the demo's)")
    .option("--rate <n>", "at most so many events a second")
    .option("--strict", "end with 1 if any event is rejected")
    .option(...JSON_OPTION)
    .addHelpText("after", HELP)
    .action((file: string, raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      return run(options.json, () => sendEvents(context, file, options));
    });
}

async function sendEvents(
  context: CliContext,
  file: string,
  options: Options,
): Promise<VerbResult> {
  const ingestUrl = await resolveIngestUrl(context);
  const sourceKey = await resolveSourceKey(context, options.source);
  const { stop } = context;
  const open = () => openInput(file, context.stdin);
  const summary = await sendFile({
    input: await open(),
    edge: createEdgeClient({ ingestUrl, sourceKey, stop }),
    pacer: createPacer(options.rate ?? null, BATCH_EVENTS_MAX),
    states:
      file === "-" ? NO_SEND_STATE : createSendStateStore(findDataDir(context), file, ingestUrl),
    reopen: open,
    progress: createProgress(context.stderr),
    stop,
  });
  const isBad =
    !summary.finished ||
    (summary.accepted === 0 && summary.rejected > 0) ||
    (options.strict && summary.rejected > 0);
  return { text: toText(summary), json: summary, exitCode: isBad ? EXIT_FAILED : EXIT_DONE };
}

function toText(summary: SendSummary): string {
  const { accepted, rejected, rejections, resumedAfter } = summary;
  return [
    ...(resumedAfter > 0 ? [`Went on after line ${resumedAfter}, where it had stopped.`] : []),
    ...rejections.map(({ line, code, message }) => `line ${line}: ${code}: ${message}`),
    ...(rejected > rejections.length ? [`… ${rejected - rejections.length} more`] : []),
    `${accepted} accepted, ${rejected} rejected`,
    ...(summary.finished ? [] : ["Stopped. The same command goes on from here."]),
  ].join("\n");
}
