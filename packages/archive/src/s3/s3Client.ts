import { setTimeout as wait } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { ObjectStoreUnavailableError } from "../objectStore.ts";

/** Where a bucket is and who may use it. */
export interface S3Settings {
  /** `https://s3.eu-central-1.amazonaws.com`, or that of a server with the same API. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The bucket is part of the path, not of the host's name. */
  readonly pathStyle: boolean;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The word by which S3 names an error; null when there is none, as in any answer to a HEAD. */
  readonly errorCode: string | null;
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  /** Empty for the bucket itself. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** One try, its answer's body included. A put of 64 MB over 10 Mbit/s takes most of it. */
const TRY_TIMEOUT_MS = 60_000;
/** With the waits between them some ten seconds; past that the caller's own backing off begins. */
const TRIES_MAX = 5;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;
/** What S3 says while it cannot; 409 is two conditional puts of one name at a time. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504]);

/** URL of an object, or of the bucket for an empty path. Without credentials. */
export function s3Url({ endpoint, bucket, pathStyle }: S3Settings, path: string): URL {
  const url = new URL(endpoint);
  const key = path.split("/").map(encodeURIComponent).join("/");
  const base = url.pathname.replace(/\/$/, "");
  if (!pathStyle) url.hostname = `${bucket}.${url.hostname}`;
  url.pathname = pathStyle ? `${base}/${bucket}/${key}` : `${base}/${key}`;
  return url;
}

/** Sends signed requests to one bucket, trying again what may pass. */
export class S3Client {
  readonly #settings: S3Settings;
  readonly #signer: AwsClient;

  constructor(settings: S3Settings) {
    this.#settings = settings;
    const { accessKeyId, secretAccessKey, region } = settings;
    this.#signer = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3" });
  }

  /**
   * Answers what S3 said last, be it an error that will not pass.
   *
   * @throws {ObjectStoreUnavailableError} No usable answer in any try. A request that writes may
   *   have been carried out all the same.
   */
  async send(request: S3Request): Promise<S3Answer> {
    let fault: unknown;
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      if (tries > 1) await wait(waitMs(tries));
      try {
        const answer = await this.#try(request);
        if (!PASSING_STATUSES.has(answer.status)) return answer;
        fault = new Error(`S3 answered ${answer.status} ${answer.errorCode ?? ""}`);
      } catch (cause) {
        fault = cause;
      }
    }
    const what = `${request.method} ${request.path || "the bucket"}`;
    throw new ObjectStoreUnavailableError(`${what} failed ${TRIES_MAX} times`, { cause: fault });
  }

  async #try({ method, path, query = {}, headers = {}, body }: S3Request): Promise<S3Answer> {
    const url = s3Url(this.#settings, path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    // Anew for each try: a signature is good for some minutes only.
    const signed = await this.#signer.sign(url.href, {
      method,
      headers,
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
    const response = await fetch(signed, { signal: AbortSignal.timeout(TRY_TIMEOUT_MS) });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = response.ok ? "" : new TextDecoder().decode(bytes);
    return {
      status: response.status,
      headers: response.headers,
      body: bytes,
      errorCode: /<Code>([^<]+)<\/Code>/.exec(text)?.[1] ?? null,
    };
  }
}

function waitMs(tries: number): number {
  const longestMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 2));
  return longestMs * (0.5 + Math.random() / 2);
}
