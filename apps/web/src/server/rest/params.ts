/** Parameters of requests: parsed once, here; a wrong one is named. */
import { isTimeZone, parseDay } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import { badParameter } from "./answer.ts";

/** In an address, `+` stands for a space; a zone of `+02:00` that was not encoded arrives so. */
const SPACE_ZONE = / (\d{2}:?\d{2})$/;

/** No event is of other years, and not every store has a word for them. */
const [YEAR_MIN, YEAR_MAX] = [1970, 2099];
const YEARS = `must be of the years ${YEAR_MIN} to ${YEAR_MAX}`;

/** An instant: ISO 8601 with a zone, to epoch milliseconds. */
export const instantParam = z
  .string()
  .transform((text) => text.replace(SPACE_ZONE, "+$1"))
  .pipe(z.iso.datetime({ offset: true, error: "must be ISO 8601 with a zone" }))
  .transform((text) => Date.parse(text))
  .refine((ms) => !Number.isNaN(ms), { error: "is no instant", abort: true })
  .refine((ms) => isYear(new Date(ms).getUTCFullYear()), YEARS);

const isYear = (year: number) => year >= YEAR_MIN && year <= YEAR_MAX;

export const dayParam = z
  .string()
  .refine(
    (text) => {
      try {
        return parseDay(text) === text;
      } catch {
        return false;
      }
    },
    { error: "must be a calendar day, YYYY-MM-DD", abort: true },
  )
  .refine((text) => isYear(Number(text.slice(0, 4))), YEARS);

/** A calendar day as it is written, or an instant as epoch milliseconds. */
export const dayOrInstantParam = z.string().transform((text, context): string | number => {
  const read = dayParam.or(instantParam).safeParse(text);
  if (read.success) return read.data;
  context.addIssue(
    `must be a calendar day, YYYY-MM-DD, or ISO 8601 with a zone, of the years ${YEAR_MIN} to ${YEAR_MAX}`,
  );
  return z.NEVER;
});

export const timeZoneParam = z.string().refine(isTimeZone, "must be an IANA time zone");

export const advertiserParam = advertiserIdSchema.describe("Only this advertiser");
export const campaignParam = campaignIdSchema.describe("Only this campaign");

/** Path parameters as they were meant: `:` may come as `%3A`. */
function decodePath(path: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(path).map(([name, text]) => {
      try {
        return [name, decodeURIComponent(text)];
      } catch {
        throw badParameter(name, "is not encoded as an address");
      }
    }),
  );
}

/**
 * The parameters of a request. A list takes a parameter as often as it comes, anything else once.
 *
 * @throws {RestError} 400 naming the first parameter that is wrong, unknown or given twice: one that
 *   was misspelt and ignored would widen the answer.
 */
export function parseParams<Params extends z.ZodObject>(
  schema: Params,
  query: URLSearchParams,
  path: Readonly<Record<string, string>>,
): z.output<Params> {
  const given: Record<string, string | string[]> = decodePath(path);
  for (const name of new Set(query.keys())) {
    const field: unknown = schema.shape[name];
    if (field === undefined || name in path) throw badParameter(name, "is no parameter here");
    const values = query.getAll(name);
    const [value] = values;
    if (isList(field)) given[name] = values;
    else if (value === undefined || values.length > 1) throw badParameter(name, "is given twice");
    else given[name] = value;
  }
  assertNoNul(given);
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? "query");
  throw badParameter(name, name in given ? (issue?.message ?? "is wrong") : "is missing");
}

/** Postgres has no text that holds it, and nothing of ours does. */
function assertNoNul(given: Readonly<Record<string, string | readonly string[]>>): void {
  for (const [name, values] of Object.entries(given)) {
    if ([values].flat().every((value) => !value.includes("\0"))) continue;
    throw badParameter(name, "must not hold the character U+0000");
  }
}

export function isList(field: unknown): boolean {
  if (field instanceof z.ZodOptional) return isList(field.unwrap());
  return field instanceof z.ZodArray;
}
