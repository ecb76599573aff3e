/** The mapping of a line of an access log to a click. Described in `docs/weblog-mapping.md`. */
import { ENTITY_ID_LENGTH_MAX } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import type { AccessLogEntry } from "./combinedFormat.ts";

/** What a line's campaign is taken from. */
export const CAMPAIGN_SOURCES = ["section", "status", "method"] as const;
export type CampaignSource = (typeof CAMPAIGN_SOURCES)[number];

export interface MappingOptions {
  readonly campaignBy: CampaignSource;
  /** Added to each time, milliseconds. */
  readonly shiftMs: number;
  /** Added before every campaign's id. */
  readonly prefix: string;
  readonly sha256Hex: (text: string) => string;
}

const UNSAFE = /[^A-Za-z0-9_.-]+/g;
const IP = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)$/;

/** The campaign of an entry: its word, with `_` for what an id should not have. */
export function campaignOf(
  { request, status }: AccessLogEntry,
  { campaignBy, prefix }: Pick<MappingOptions, "campaignBy" | "prefix">,
): string {
  const [method = "", path = ""] = request.split(" ");
  const words: Record<CampaignSource, string> = {
    section: sectionOf(path),
    status,
    method,
  };
  const word = words[campaignBy].replace(UNSAFE, "_") || "none";
  return `${prefix}${word}`.slice(0, ENTITY_ID_LENGTH_MAX);
}

/** The first folder of a path; pages at the top are of `root`. */
function sectionOf(path: string): string {
  const [first = "", ...rest] = path
    .replace(/[?#].*$/, "")
    .replace(/^\/+/, "")
    .split("/");
  return rest.length === 0 ? "root" : first;
}

/**
 * The click of a line. Its id is a hash of file and line, so that the same line is the same event at
 * every conversion, whatever it is shifted by.
 */
export function toClick(
  entry: AccessLogEntry,
  place: { readonly fileHash: string; readonly line: number },
  options: MappingOptions,
): Readonly<Record<string, unknown>> {
  const { fileHash, line } = place;
  const user = options.sha256Hex(`${entry.host}\0${entry.userAgent}`);
  return {
    event_type: "click",
    event_id: `web-${options.sha256Hex(`${fileHash}:${line}`).slice(0, 32)}`,
    event_time: new Date(entry.timeMs + options.shiftMs).toISOString(),
    campaign_id: campaignOf(entry, options),
    ad_id: "weblog",
    publisher_id: "weblog",
    user_id: user.slice(0, 32),
    ...(IP.test(entry.host) ? { ip: entry.host } : {}),
    user_agent: entry.userAgent,
  };
}

/** Whole days, so that mornings stay mornings: the most that leaves the last entry before `toMs`. */
export function shiftOf(lastEntryMs: number, toMs: number): number {
  return Math.floor((toMs - lastEntryMs) / DAY_MS) * DAY_MS;
}
