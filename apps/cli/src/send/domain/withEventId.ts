/** Events without an id get one from their place in the file, the same at every sending. */

/** Ids of this kind: 128 bits of the chain, in hex. */
const ID_HEX_DIGITS = 32;

/**
 * The line as it is sent. An event that has neither an `event_id` nor a `click_id`, from which the
 * edge would derive one, gets an id; everything else stays byte for byte what it was.
 *
 * @param chainHex Hash of this line and all before it, so that two equal lines differ, and a file
 *   that has grown since it was sent keeps the ids of its first lines.
 */
export function withEventId(line: string, chainHex: string): string {
  const event = tryParse(line);
  if (event === null || isPresent(event["event_id"]) || isPresent(event["click_id"])) return line;
  const start = line.indexOf("{") + 1;
  const rest = line.slice(start);
  const separator = Object.keys(event).length === 0 ? "" : ",";
  const id = `line-${chainHex.slice(0, ID_HEX_DIGITS)}`;
  // A later `event_id`, null or empty, would win over ours: the last of two equal names counts.
  if ("event_id" in event) return JSON.stringify({ ...event, event_id: id });
  return `${line.slice(0, start)}"event_id":"${id}"${separator}${rest}`;
}

function tryParse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}
