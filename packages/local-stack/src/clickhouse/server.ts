/** ClickHouse's HTTP interface over the in-process engine; `@clickhouse/client` works unchanged. */
import { randomUUID, timingSafeEqual } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { ChdbResult } from "chdb";
import { encodeAnswer, readText, spoolTo } from "./bodies.ts";
import { type EngineException, RefusedError, toException } from "./exceptions.ts";
import { formatOf, insertFromFile, isInsert } from "./queryText.ts";
import { passwordOf, type QueryRequest, toQueryRequest } from "./request.ts";
import type { SessionPool } from "./sessionPool.ts";

export interface ServerOptions {
  readonly pool: SessionPool;
  /** Where the data of INSERTs waits for the engine to read it. */
  readonly spoolDir: string;
  /** Empty: everybody may ask. */
  readonly password: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  CSV: "text/csv; charset=UTF-8; header=absent",
  CSVWithNames: "text/csv; charset=UTF-8; header=present",
  JSON: "application/json; charset=UTF-8",
  JSONCompact: "application/json; charset=UTF-8",
  JSONEachRow: "application/x-ndjson; charset=UTF-8",
  JSONCompactEachRow: "application/x-ndjson; charset=UTF-8",
  Native: "application/octet-stream",
  Parquet: "application/octet-stream",
  RowBinary: "application/octet-stream",
  TabSeparated: "text/tab-separated-values; charset=UTF-8",
};

export function createClickHouseServer(options: ServerOptions): Server {
  return createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      sendException(response, toException(error));
    });
  });
}

async function answer(
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/ping" || url.pathname === "/replicas_status") {
    response.writeHead(200, { "Content-Type": "text/html; charset=UTF-8" }).end("Ok.\n");
    return;
  }
  if (url.pathname !== "/" || !["GET", "HEAD", "POST"].includes(request.method ?? "")) {
    response.writeHead(404).end(`There is no handle ${url.pathname}\n`);
    return;
  }
  if (!samePassword(passwordOf(url, request), options.password)) {
    throw new RefusedError("AUTHENTICATION_FAILED", "Authentication failed: wrong password");
  }
  const query = toQueryRequest(url, request);
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  const { result, sql, isWrite } = await execute(options, query, request, gone.signal);
  await sendResult({ request, response, query, result, sql, isWrite });
}

interface Executed {
  readonly result: ChdbResult;
  readonly sql: string;
  readonly isWrite: boolean;
}

async function execute(
  { pool, spoolDir }: ServerOptions,
  query: QueryRequest,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Executed> {
  const file = join(spoolDir, randomUUID());
  const fromFile = isInsert(query.urlQuery) ? insertFromFile(query.urlQuery, file) : null;
  if (fromFile === null) {
    const body = request.method === "POST" ? await readText(request) : "";
    const sql = query.urlQuery === "" ? body : `${query.urlQuery}\n${body}`;
    return { result: await pool.run(sql, query, signal), sql, isWrite: isInsert(sql) };
  }
  try {
    // Read whole before the engine starts, so that a client that breaks off half-way has written
    // nothing.
    await spoolTo(file, request);
    return { result: await pool.run(fromFile, query, signal), sql: query.urlQuery, isWrite: true };
  } finally {
    await rm(file, { force: true });
  }
}

async function sendResult(
  answered: Executed & {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly query: QueryRequest;
  },
): Promise<void> {
  const { request, response, query, result, sql, isWrite } = answered;
  // The client has gone: nobody to tell.
  if (response.destroyed) return;
  const format = formatOf(sql) ?? query.defaultFormat;
  const body = query.compressAnswer
    ? await encodeAnswer(result.bytes(), request)
    : { bytes: result.bytes(), encoding: null };
  response.writeHead(200, {
    "Content-Type": CONTENT_TYPES[format] ?? "text/plain; charset=UTF-8",
    "Content-Length": body.bytes.length,
    "X-ClickHouse-Format": format,
    "X-ClickHouse-Query-Id": query.queryId ?? randomUUID(),
    "X-ClickHouse-Server-Display-Name": "trueclick-local",
    "X-ClickHouse-Timezone": "UTC",
    "X-ClickHouse-Summary": JSON.stringify(summaryOf(result, isWrite)),
    ...(body.encoding === null ? {} : { "Content-Encoding": body.encoding }),
  });
  response.end(request.method === "HEAD" ? undefined : body.bytes);
}

/**
 * The engine tells rows of the answer, and of an INSERT the rows that came as data; not those that
 * it went through, nor those of `INSERT … SELECT` and `VALUES`.
 */
function summaryOf({ rowsRead, bytesRead, elapsed }: ChdbResult, isWrite: boolean) {
  const count = (wanted: boolean, value: number) => String(wanted ? value : 0);
  return {
    read_rows: String(rowsRead),
    read_bytes: String(bytesRead),
    written_rows: count(isWrite, rowsRead),
    written_bytes: count(isWrite, bytesRead),
    total_rows_to_read: "0",
    result_rows: count(!isWrite, rowsRead),
    result_bytes: count(!isWrite, bytesRead),
    elapsed_ns: String(Math.round(elapsed * 1e9)),
  };
}

function sendException(response: ServerResponse, { code, status, text }: EngineException): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response
    .writeHead(status, {
      "Content-Type": "text/plain; charset=UTF-8",
      "X-ClickHouse-Exception-Code": String(code),
      // The rest of a body that was refused is not read; the connection cannot be used again.
      Connection: "close",
    })
    .end(`${text}\n`);
}

function samePassword(given: string, wanted: string): boolean {
  if (wanted === "") return true;
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
