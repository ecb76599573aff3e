/** The shapes in which the REST API answers. */
import type { z } from "zod";

export type RestErrorCode =
  | "bad_parameter"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "too_large"
  | "internal";

/** An answer other than the one asked for, in words that the caller can act on. */
export class RestError extends Error {
  override readonly name = "RestError";
  readonly status: number;
  readonly code: RestErrorCode;

  constructor(status: number, code: RestErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @param parameter The one that is wrong, as the caller wrote it. */
export function badParameter(parameter: string, problem: string): RestError {
  return new RestError(400, "bad_parameter", `${parameter}: ${problem}`);
}

/** For what is not there and for what is another tenant's: the caller cannot tell which. */
export function notFound(what: string): RestError {
  return new RestError(404, "not_found", `no such ${what}`);
}

/** Answers are of one caller and one moment; nobody may keep them. */
const PRIVATE = { "Cache-Control": "no-store", Vary: "Authorization, Cookie" };

/** @param _schema What the OpenAPI document promises; the compiler holds `body` to it. */
export function jsonAnswer<Body>(_schema: z.ZodType<Body>, body: Body): Response {
  return Response.json(body, { headers: PRIVATE });
}

/**
 * The same of a body whose first member is there as text already.
 *
 * @param _schema What the OpenAPI document promises; the compiler holds the other members to it.
 */
export function jsonTextAnswer<Rows, Meta>(
  _schema: z.ZodType<{ rows: Rows; meta: Meta }>,
  { rows, meta }: { readonly rows: string; readonly meta: Meta },
): Response {
  return new Response(`{"rows":${rows},"meta":${JSON.stringify(meta)}}`, {
    headers: { ...PRIVATE, "Content-Type": "application/json" },
  });
}

export function csvAnswer(fileName: string, csv: string): Response {
  return new Response(csv, {
    headers: {
      ...PRIVATE,
      "Content-Type": "text/csv; charset=utf-8",
      "Content-Disposition": `attachment; filename="${fileName}"`,
    },
  });
}

export function errorAnswer(
  { status, code, message }: RestError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const challenge = status === 401 ? { "WWW-Authenticate": "Bearer" } : {};
  return Response.json(
    { error: { code, message } },
    { status, headers: { ...PRIVATE, ...challenge, ...headers } },
  );
}

/** @throws {RangeError} past 2^53: a count or an amount is never rounded. */
export function toExactNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is not exact as a number`);
  return number;
}

export const toIso = (date: Date) => date.toISOString();
export const toIsoOrNull = (date: Date | null) => date?.toISOString() ?? null;
