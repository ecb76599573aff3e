/** Lines as Postgres tells them: some hundreds for each series, which schemas take longest to check. */

/** The lines of a bucket that are of one advertiser or campaign where that was asked for, added up. */
export interface HotLine {
  /** Start of the bucket, epoch seconds. */
  readonly bucket: number;
  /** Empty unless it was asked for. */
  readonly advertiser: string;
  readonly campaign: string;
  readonly currency: string;
  readonly clicks: number;
  readonly invalidClicks: number;
  readonly givtClicks: number;
  readonly duplicateClicks: number;
  readonly impressions: number;
  readonly conversions: number;
  readonly costMicros: number;
  /** Null where they are not known, or the lines are more than one, whose users do not add up. */
  readonly uniqueUsers: number | null;
}

const FIELDS = 12;

/**
 * @param text A JSON array of arrays, whose values are those of a line in the order above.
 * @throws {RangeError} on anything else, or if a number would not be exact.
 * @throws {SyntaxError} on a text that is no JSON.
 */
export function parseHotLines(text: string): HotLine[] {
  const lines: unknown = JSON.parse(text);
  if (!Array.isArray(lines)) throw new RangeError("lines must be an array");
  return lines.map(toLine);
}

function toLine(line: unknown): HotLine {
  if (!Array.isArray(line) || line.length !== FIELDS) {
    throw new RangeError(`a line must be an array of ${FIELDS} values`);
  }
  const values: readonly unknown[] = line;
  const [bucket, advertiser, campaign, currency, clicks, invalidClicks, ...others] = values;
  const [givtClicks, duplicateClicks, impressions, conversions, costMicros, users] = others;
  return {
    bucket: whole(bucket),
    advertiser: word(advertiser),
    campaign: word(campaign),
    currency: word(currency),
    clicks: count(clicks),
    invalidClicks: count(invalidClicks),
    givtClicks: count(givtClicks),
    duplicateClicks: count(duplicateClicks),
    impressions: count(impressions),
    conversions: count(conversions),
    costMicros: whole(costMicros),
    uniqueUsers: users === null ? null : count(users),
  };
}

function whole(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new RangeError(`a number of a line must be whole and exact, got ${JSON.stringify(value)}`);
}

function count(value: unknown): number {
  const number = whole(value);
  if (number >= 0) return number;
  throw new RangeError(`a count of a line must not be negative, got ${number}`);
}

function word(value: unknown): string {
  if (typeof value === "string") return value;
  throw new RangeError(`a word of a line must be text, got ${JSON.stringify(value)}`);
}
