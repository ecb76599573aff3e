/** What the edge reads from the headers of a request for events. */
import type { IncomingMessage } from "node:http";
import type { Connection } from "../domain/source.ts";
import type { BodyFormat } from "../domain/splitBody.ts";

/** Longest key that is looked up; ours are far shorter. */
const KEY_LENGTH_MAX = 256;

const FORMAT_BY_TYPE = new Map<string, BodyFormat>([
  ["application/json", "json"],
  ["application/x-ndjson", "lines"],
  ["application/ndjson", "lines"],
  ["text/plain", "either"],
]);
const PREFETCH = /\b(?:prefetch|prerender|preview)\b/i;
const CHARSETS: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii"]);

/** The key of `Authorization: Bearer …`, or null. */
export function bearerKey(request: IncomingMessage): string | null {
  const match = /^Bearer +([\x21-\x7e]+) *$/i.exec(request.headers.authorization ?? "");
  const key = match?.[1];
  return key === undefined || key.length > KEY_LENGTH_MAX ? null : key;
}

/** How to read the body; null for a type or a charset that is none of ours. No type means JSON. */
export function bodyFormat(request: IncomingMessage): BodyFormat | null {
  const sent = request.headers["content-type"];
  // As nearly all send it.
  if (sent === "application/json") return "json";
  const [type = "", ...parameters] = (sent ?? "application/json")
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith("charset="))
    ?.slice("charset=".length)
    .replaceAll('"', "");
  if (charset !== undefined && !CHARSETS.has(charset)) return null;
  return FORMAT_BY_TYPE.get(type) ?? null;
}

/** The body's announced bytes; null when it comes in chunks. Node has checked that it is a number. */
export function announcedBytes(request: IncomingMessage): number | null {
  const length = request.headers["content-length"];
  return length === undefined ? null : Number(length);
}

/** Whether the head announces no body: what follows it is the next request (RFC 9112, 6.3). */
export function isWithoutBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
}

/** What the connection shows of its other end. */
export function connectionOf(request: IncomingMessage): Connection {
  const { headers } = request;
  return {
    ip: request.socket.remoteAddress ?? null,
    userAgent: headers["user-agent"] || null,
    isPrefetch: saysPrefetch(request),
  };
}

/** Whether a browser says that it loads ahead. */
function saysPrefetch({ headers }: IncomingMessage): boolean {
  // By the standard (`Sec-Purpose`), and as browsers said it before there was one.
  const purposes = [
    headers["sec-purpose"],
    headers["purpose"],
    headers["x-purpose"],
    headers["x-moz"],
  ];
  return purposes.some((purpose) => purpose !== undefined && PREFETCH.test(String(purpose)));
}

/** Whether a request says nothing of what it is for, as nearly all. */
export function isPurposeUnsaid({ headers }: IncomingMessage): boolean {
  return (
    headers["sec-purpose"] === undefined &&
    headers["purpose"] === undefined &&
    headers["x-purpose"] === undefined &&
    headers["x-moz"] === undefined
  );
}
