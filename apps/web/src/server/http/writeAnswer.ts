/** How answers go over the wire. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import type { ApiAnswer } from "./api.ts";
import { SECURITY_HEADERS } from "./securityHeaders.ts";

/** Shorter answers fit a packet as they are. */
const GZIP_BYTES_MIN = 1_024;
/** What is text, and shrinks. */
const TEXT = /^(?:text\/|application\/(?:json|jsonl|javascript)\b)/;

const gzipped = promisify(gzip);

/**
 * Sends an answer, and ends the exchange. Text is compressed for whoever takes gzip; what is made piece by piece
 * is sent so. Of an answer to `HEAD`, Node leaves out the body.
 *
 * @throws {Error} where the client is gone, or a streamed answer broke off.
 */
export async function writeAnswer(
  { response, isStreamed }: ApiAnswer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const headers = toOutgoing(response.headers);
  const isText = TEXT.test(response.headers.get("content-type") ?? "");
  if (isText)
    headers["vary"] = [headers["vary"], "Accept-Encoding"].flat().filter(Boolean).join(", ");
  if (response.body === null) {
    outgoing.writeHead(response.status, headers).end();
    return;
  }
  const isGzip = isText && takesGzip(incoming.headers["accept-encoding"]);
  if (isStreamed) {
    await writeStream(response.body, { outgoing, status: response.status, headers, isGzip });
    return;
  }
  const bytes = Buffer.from(await response.arrayBuffer());
  const isShrunk = isGzip && bytes.length >= GZIP_BYTES_MIN;
  const sent = isShrunk ? await gzipped(bytes) : bytes;
  if (isShrunk) headers["content-encoding"] = "gzip";
  headers["content-length"] = sent.length;
  outgoing.writeHead(response.status, headers).end(sent);
}

interface Sending {
  readonly outgoing: ServerResponse;
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly isGzip: boolean;
}

/** Whoever goes away ends the making of it, too. */
async function writeStream(
  body: globalThis.ReadableStream,
  { outgoing, status, headers, isGzip }: Sending,
): Promise<void> {
  // Node says how its own connection is framed.
  delete headers["transfer-encoding"];
  if (isGzip) headers["content-encoding"] = "gzip";
  outgoing.writeHead(status, headers);
  const pieces = Readable.fromWeb(body as ReadableStream);
  if (!isGzip) return pipeline(pieces, outgoing);
  // Each piece leaves as it comes; else all would wait in the compressor for the last.
  return pipeline(pieces, createGzip({ flush: constants.Z_SYNC_FLUSH }), outgoing);
}

function toOutgoing(headers: Headers): OutgoingHttpHeaders {
  const outgoing: OutgoingHttpHeaders = { ...SECURITY_HEADERS };
  for (const [name, value] of headers) outgoing[name] = value;
  // Several cookies are several headers, which the loop would make the last of.
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) outgoing["set-cookie"] = cookies;
  return outgoing;
}

/** @param accepted As RFC 9110, 12.5.3, has it: names with or without `;q=`, where 0 is a refusal. */
export function takesGzip(accepted: string | string[] | undefined): boolean {
  const names = new Map(
    [accepted ?? ""].flat().flatMap((list) =>
      list.split(",").map((entry): [string, boolean] => {
        const [name = "", ...rest] = entry.split(";");
        return [
          name.trim().toLowerCase(),
          !rest.some((param) => /^\s*q=0(?:\.0*)?\s*$/i.test(param)),
        ];
      }),
    ),
  );
  return names.get("gzip") ?? names.get("*") ?? false;
}
