/** Converts an access log to events, one JSON object a line. */
import { createHash } from "node:crypto";
import { sha256Hex } from "../keys/hash.ts";
import { readLines } from "../send/readLines.ts";
import { CliError } from "../terminal/errors.ts";
import { type AccessLogEntry, parseCombined } from "./domain/combinedFormat.ts";
import { type CampaignSource, shiftOf, toClick } from "./domain/toEvent.ts";

export interface ConvertOptions {
  /** Opens the log from its start; it is read twice. */
  readonly open: () => Promise<AsyncIterable<Buffer>>;
  readonly campaignBy: CampaignSource;
  readonly prefix: string;
  /** The last entry is moved to before this, by whole days; null leaves times as they are. */
  readonly shiftToMs: number | null;
  /** Takes one event's JSON. */
  readonly write: (json: string) => Promise<void>;
}

export interface ConvertSummary {
  readonly lines: number;
  readonly events: number;
  /** Numbers of lines of another form, from 1; the first of them. */
  readonly skippedLines: readonly number[];
  readonly skipped: number;
  readonly shiftMs: number;
  readonly clicksByCampaign: ReadonlyMap<string, number>;
}

const SKIPPED_TOLD_MAX = 100;

/** @throws {CliError} `bad_file` if no line at all is of the combined format. */
export async function convertWeblog(options: ConvertOptions): Promise<ConvertSummary> {
  const { fileHash, lastMs } = await survey(await options.open());
  const shiftMs = options.shiftToMs === null ? 0 : shiftOf(lastMs, options.shiftToMs);
  const clicksByCampaign = new Map<string, number>();
  const skippedLines: number[] = [];
  let [line, events, skipped] = [0, 0, 0];
  for await (const { bytes } of readLines(await options.open())) {
    line += 1;
    const entry = toEntry(bytes);
    if (entry === null) {
      skipped += 1;
      if (skippedLines.length < SKIPPED_TOLD_MAX) skippedLines.push(line);
      continue;
    }
    const { campaignBy, prefix } = options;
    const mapping = { campaignBy, prefix, shiftMs, sha256Hex };
    const click = toClick(entry, { fileHash, line }, mapping);
    const campaign = String(click["campaign_id"]);
    clicksByCampaign.set(campaign, (clicksByCampaign.get(campaign) ?? 0) + 1);
    events += 1;
    await options.write(JSON.stringify(click));
  }
  return { lines: line, events, skippedLines, skipped, shiftMs, clicksByCampaign };
}

/** The hash of the file, which event ids are made of, and its latest time, in whatever line it is. */
async function survey(
  chunks: AsyncIterable<Buffer>,
): Promise<{ readonly fileHash: string; readonly lastMs: number }> {
  const hash = createHash("sha256");
  let lastMs = Number.NEGATIVE_INFINITY;
  for await (const { bytes } of readLines(chunks)) {
    hash.update(bytes).update("\n");
    lastMs = Math.max(lastMs, toEntry(bytes)?.timeMs ?? Number.NEGATIVE_INFINITY);
  }
  if (lastMs === Number.NEGATIVE_INFINITY) {
    throw new CliError("bad_file", "No line of the file is of the combined log format.");
  }
  return { fileHash: hash.digest("hex"), lastMs };
}

function toEntry(bytes: Buffer): AccessLogEntry | null {
  return parseCombined(bytes.toString("utf8").replace(/\r$/, ""));
}
