/** Answers as values: an endpoint decides, the server writes. */

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * All of its headers, names and values in turn; of an answer that is given again and again, and
   * whose body is ASCII.
   */
  readonly headerList?: string[];
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Names and values in turn: what Node takes with the least work. */
export function headerList({ status, body, contentType, headers }: Answer): string[] {
  const list = ["Cache-Control", "no-store", "X-Content-Type-Options", "nosniff"];
  if (status !== 204) {
    list.push("Content-Type", contentType, "Content-Length", String(Buffer.byteLength(body)));
  }
  for (const [name, value] of Object.entries(headers ?? NO_HEADERS)) list.push(name, value);
  return list;
}

export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, contentType: "application/json", body: JSON.stringify(value), headers };
}

/** Every error of the edge: `{"error": {"code", "message"}}`. The code is for programs. */
export function errorAnswer(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(status, { error: { code, message } }, headers);
}
