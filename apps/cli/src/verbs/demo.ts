import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { z } from "zod";
import { demoCatalogue } from "../demo/domain/organisation.ts";
import { type TrafficEvent, TrafficGenerator, trafficOver } from "../demo/domain/traffic.ts";
import { createEdgeClient } from "../send/edgeClient.ts";
import { createPacer } from "../send/pacer.ts";
import { BATCH_EVENTS_MAX } from "../send/sendFile.ts";
import { resolveIngestUrl, resolveSourceKey } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { UsageError } from "../terminal/errors.ts";
import { parseInstant } from "../terminal/parseInstant.ts";
import { createProgress } from "../terminal/progress.ts";
import { JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const EVENTS_MAX = 100_000_000;
const RATE_DEFAULT = 5;

const optionsSchema = jsonFlag.extend({
  seed: z.string().min(1).optional(),
  events: z.coerce.number().int().min(1).max(EVENTS_MAX).optional(),
  rate: z.coerce.number().positive().optional(),
  ledger: z.string().min(1).optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  source: z.string().min(1).optional(),
});
type Options = z.infer<typeof optionsSchema>;

const HELP = `
Campaigns of the demo organisation, by Zipf's law with one that has 30 %, with retries, late phones,
robots, test and malformed events. With --from, --to and --events, the same seed makes the same events,
byte for byte, and they are sent as fast as they are taken; else they happen now, at --rate, until
--events are sent or for ever.

The ledger has a line for each event that the edge answered for: the event as sent, and in "expected"
what must become of it: valid, duplicate, bot_user_agent, test or rejected; "late" is told of events
that the stream may no longer count.`;

export function addDemo({ program, context, run }: VerbHost): void {
  program
    .command("demo")
    .description("generate traffic, and a ledger of what must come of it")
    .option("--seed <text>", "the same seed makes the same traffic (default: another each time)")
    .option("--events <n>", "how many events to send (default: without end)")
    .option("--rate <n>", `events a second (default: ${RATE_DEFAULT}; with --from, no limit)`)
    .option("--from <time>", "spread event times over a range: its start, ISO 8601 with a zone")
    .option("--to <time>", "its end, exclusive")
    .option("--ledger <file>", "write what was sent, one JSON object a line")
    .option("--source <key>", "key of the source (else TRUECLICK_SOURCE_KEY, else the demo's)")
    .option(...JSON_OPTION)
    .addHelpText("after", HELP)
    .action((raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      return run(options.json, () => sendTraffic(context, options));
    });
}

async function sendTraffic(context: CliContext, options: Options): Promise<VerbResult> {
  const { stop } = context;
  const traffic = trafficOf(options);
  const edge = createEdgeClient({
    ingestUrl: await resolveIngestUrl(context),
    sourceKey: await resolveSourceKey(context, options.source),
    stop,
  });
  const pacer = createPacer(traffic.rate, BATCH_EVENTS_MAX);
  const ledger = options.ledger === undefined ? null : await openLedger(options.ledger);
  const progress = createProgress(context.stderr);
  let sent = 0;
  let rejected = 0;
  try {
    for (;;) {
      if (stop.aborted) break;
      const batch = traffic.take(Math.min(pacer.batchEvents, (options.events ?? Infinity) - sent));
      if (batch.length === 0) break;
      const answer = await edge.send(batch.map(({ event }) => Buffer.from(event)));
      // After the answer: what the ledger says was sent, was.
      if (ledger !== null) await append(ledger, batch);
      sent += batch.length;
      rejected += answer.rejected.length;
      const fraction = options.events === undefined ? null : sent / options.events;
      progress.show(fraction, `${sent} sent, ${rejected} of them rejected`);
      await pacer.wait(batch.length, stop);
    }
  } finally {
    progress.clear();
    if (ledger !== null) await close(ledger);
  }
  return {
    text: `${sent} sent, ${rejected} of them rejected, as meant`,
    json: { sent, accepted: sent - rejected, rejected, seed: traffic.seed },
  };
}

interface Traffic {
  readonly seed: string;
  readonly rate: number | null;
  /** The next events, at most `count`; none at the end. */
  take(count: number): TrafficEvent[];
}

function trafficOf(options: Options): Traffic {
  const seed = options.seed ?? randomBytes(6).toString("hex");
  const catalogue = demoCatalogue();
  if (options.from === undefined && options.to === undefined) {
    const generator = new TrafficGenerator({ seed, catalogue });
    const take = (count: number) => Array.from({ length: count }, () => generator.next(Date.now()));
    return { seed, rate: options.rate ?? RATE_DEFAULT, take };
  }
  const fromMs = parseInstant("from", options.from);
  const toMs = parseInstant("to", options.to);
  if (fromMs >= toMs) throw new UsageError("--from must lie before --to");
  if (options.events === undefined) throw new UsageError("--from and --to need --events");
  const events = trafficOver({ seed, catalogue }, { fromMs, toMs }, options.events);
  return { seed, rate: options.rate ?? null, take: (count) => takeFrom(events, count) };
}

/** Not `Iterator.take`, which would close the generator behind it. */
function takeFrom(events: Iterator<TrafficEvent>, count: number): TrafficEvent[] {
  const taken: TrafficEvent[] = [];
  while (taken.length < count) {
    const next = events.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

async function openLedger(path: string): Promise<WriteStream> {
  const stream = createWriteStream(path, { flags: "w" });
  await once(stream, "open");
  return stream;
}

async function append(ledger: WriteStream, batch: readonly TrafficEvent[]): Promise<void> {
  const text = batch.map((entry) => `${JSON.stringify(entry)}\n`).join("");
  if (!ledger.write(text)) await once(ledger, "drain");
}

async function close(ledger: WriteStream): Promise<void> {
  ledger.end();
  await once(ledger, "close");
}
