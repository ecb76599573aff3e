/** ClickHouse's error numbers as HTTP status codes, after its own `exceptionCodeToHTTPStatus`. */

const BAD_REQUEST = [
  ...[6, 7, 26, 27, 36, 38, 41, 42, 43, 44, 53, 62, 69, 70, 72, 117, 130, 131, 179, 190, 201, 215],
  ...[306, 349, 386, 420, 427, 441, 456, 457, 467, 473, 536, 633],
];
const NOT_FOUND = [16, 46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336];

const STATUS: ReadonlyMap<number, number> = new Map([
  ...BAD_REQUEST.map((code) => [code, 400] as const),
  ...NOT_FOUND.map((code) => [code, 404] as const),
  [194, 401],
  [192, 403],
  [193, 403],
  [516, 403],
  [497, 403],
  [159, 408],
  [307, 413],
  [48, 501],
  [202, 503],
  [209, 503],
  [439, 503],
]);

/** What this server refuses before the engine sees it, in ClickHouse's numbering. */
const REFUSALS = {
  BAD_ARGUMENTS: 36,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  TOO_MANY_BYTES: 307,
  SESSION_IS_LOCKED: 373,
  AUTHENTICATION_FAILED: 516,
} as const;
const UNKNOWN_EXCEPTION = 1_002;

/** A refusal of the engine: its number, its status and its text. */
export interface EngineException {
  readonly code: number;
  readonly status: number;
  readonly text: string;
}

/** A refusal of this server, in the form of the engine's. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";

  constructor(kind: keyof typeof REFUSALS, message: string) {
    super(`Code: ${REFUSALS[kind]}. DB::Exception: ${message} (${kind})`);
  }
}

export function toException(error: unknown): EngineException {
  const message = error instanceof Error ? error.message : String(error);
  const found = /Code: (\d+)\. DB::/.exec(message)?.[1];
  const code = found === undefined ? UNKNOWN_EXCEPTION : Number(found);
  // The binding puts the number in front of a text that begins with it.
  const text = message.replace(/^(Code: \d+\. DB::\w+: )(?=Code: \d+\. DB::)/, "");
  return {
    code,
    status: STATUS.get(code) ?? 500,
    text: found === undefined ? `Code: ${code}. DB::Exception: ${text} (UNKNOWN_EXCEPTION)` : text,
  };
}
