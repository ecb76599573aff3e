/**
 * Lines of web servers' access logs in the combined format of Apache's httpd:
 * `host ident user [day/month/year:h:m:s zone] "request" status bytes "referer" "user agent"`.
 */

export interface AccessLogEntry {
  readonly host: string;
  /** Epoch milliseconds; the log tells whole seconds. */
  readonly timeMs: number;
  /** As logged: `GET /index.html HTTP/1.1`, or whatever an attacker sent in its place. */
  readonly request: string;
  readonly status: string;
  readonly userAgent: string;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Quoted fields hold `\"` for a quote, and `\xhh` for what is no text. */
const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"`;
const QUOTED_TO_END = String.raw`"((?:[^"\\]|\\.)*)"?$`;
const TIME = String.raw`\[(\d{2})/(\w{3})/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})\]`;
/** The last quote may be missing: servers cut lines off at their longest. */
const LINE = new RegExp(
  String.raw`^(\S+) \S+ .*?${TIME} ${QUOTED} (\d{3}) (?:\d+|-) ${QUOTED} ${QUOTED_TO_END}`,
);

/** Null for a line of another form. */
export function parseCombined(line: string): AccessLogEntry | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, host = "", day, month = "", year, time, zoneHours, zoneMinutes, request = ""] = match;
  const monthNumber = String(MONTHS.indexOf(month) + 1).padStart(2, "0");
  const timeMs = Date.parse(`${year}-${monthNumber}-${day}T${time}${zoneHours}:${zoneMinutes}`);
  if (Number.isNaN(timeMs)) return null;
  return { host, timeMs, request, status: match[9] ?? "", userAgent: match[11] ?? "" };
}
