/** ClickHouse's HTTP interface, the reading half: what a request asks for. */
import type { IncomingMessage } from "node:http";
import { RefusedError } from "./exceptions.ts";

/** URL parameters that the HTTP layer itself understands; all others are settings of the query. */
const HTTP_PARAMETERS: ReadonlySet<string> = new Set([
  ...["query", "database", "default_format", "query_id", "user", "password", "quota_key"],
  ...["session_id", "session_timeout", "session_check", "session_timezone", "role", "stacktrace"],
  ...["wait_end_of_query", "buffer_size", "compress", "decompress", "close_session"],
  ...["send_progress_in_http_headers", "http_headers_progress_interval_ms"],
  ...[
    "http_response_buffer_size",
    "http_response_headers",
    "http_write_exception_in_output_format",
  ],
  ...[
    "enable_http_compression",
    "http_zlib_compression_level",
    "cancel_http_readonly_queries_on_client_close",
  ],
  ...[
    "add_http_cors_header",
    "http_send_timeout",
    "http_receive_timeout",
    "http_connection_timeout",
  ],
]);
const PARAM_PREFIX = "param_";
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface QueryRequest {
  /** From the URL; the body is appended to it, or is the data of its INSERT. */
  readonly urlQuery: string;
  readonly database: string;
  readonly defaultFormat: string;
  readonly queryId: string | null;
  /** The client's own session, whose state lasts from query to query. */
  readonly session: string | null;
  /** Values of `{name: Type}` in the text form that ClickHouse parses. */
  readonly params: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  readonly compressAnswer: boolean;
}

/** @throws {RefusedError} if a setting's or a parameter's name is no identifier. */
export function toQueryRequest(url: URL, request: IncomingMessage): QueryRequest {
  const params = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (name.startsWith(PARAM_PREFIX)) params.set(checked(name.slice(PARAM_PREFIX.length)), value);
    else if (!HTTP_PARAMETERS.has(name)) settings.set(checked(name), value);
  }
  const header = (name: string) => request.headers[name]?.toString();
  return {
    urlQuery: url.searchParams.get("query") ?? "",
    database: url.searchParams.get("database") ?? header("x-clickhouse-database") ?? "default",
    defaultFormat:
      url.searchParams.get("default_format") ?? header("x-clickhouse-format") ?? "TabSeparated",
    queryId: url.searchParams.get("query_id"),
    session: url.searchParams.get("session_id"),
    params,
    settings,
    compressAnswer: url.searchParams.get("enable_http_compression") === "1",
  };
}

function checked(name: string): string {
  if (!NAME.test(name)) throw new RefusedError("BAD_ARGUMENTS", `not a name: ${name}`);
  return name;
}

/** User and password, wherever the request carries them: Basic, headers, URL. */
export function passwordOf(url: URL, request: IncomingMessage): string {
  const { authorization } = request.headers;
  if (authorization?.startsWith("Basic ") === true) {
    const text = Buffer.from(authorization.slice("Basic ".length), "base64").toString("utf8");
    return text.slice(text.indexOf(":") + 1);
  }
  const key = request.headers["x-clickhouse-key"];
  return key?.toString() ?? url.searchParams.get("password") ?? "";
}

/** A string literal of ClickHouse. */
export function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
