import { hash } from "node:crypto";
import { assertObjectPath, type ObjectStore, ObjectStoreUnavailableError } from "../objectStore.ts";
import { inTurns, sha256Of } from "../sha256.ts";
import { type S3Answer, S3Client, type S3Settings } from "./s3Client.ts";

/** The most that S3 gives at once. */
const LIST_KEYS_MAX = 1_000;
const PROBE_PATH = "trueclick/conditional-put-probe";

/**
 * Keeps objects in a bucket of anything that speaks the S3 API and honours `If-None-Match` on puts.
 *
 * @param listKeysMax Keys in one page of a listing.
 */
export function createS3ObjectStore(
  settings: S3Settings,
  listKeysMax: number = LIST_KEYS_MAX,
): ObjectStore {
  const s3 = new S3Client(settings);
  return {
    putIfAbsent: (path, bytes) => putIfAbsent(s3, path, bytes),
    get: (path) => get(s3, path),

    async sha256(path) {
      const bytes = await get(s3, path);
      return bytes === null ? null : sha256Of(inTurns(bytes));
    },

    async stat(path) {
      assertObjectPath(path);
      const answer = await s3.send({ method: "HEAD", path });
      if (answer.status === 200) {
        return { bytes: Number(answer.headers.get("content-length")) };
      }
      // A HEAD has no body that could say what is missing: the object, or the whole bucket.
      const found = await s3.send({ method: "GET", path, headers: { range: "bytes=0-0" } });
      if (isMissingObject(found)) return null;
      throw refused(`could not stat ${path}`, found);
    },

    async *list(prefix) {
      let token: string | null = null;
      do {
        const page = await listPage(s3, prefix, listKeysMax, token);
        yield* page.keys;
        token = page.nextToken;
      } while (token !== null);
    },

    async remove(path) {
      assertObjectPath(path);
      const answer = await s3.send({ method: "DELETE", path });
      if (answer.status === 204 || answer.status === 200 || isMissingObject(answer)) return;
      throw refused(`could not remove ${path}`, answer);
    },
  };
}

/**
 * Makes sure that the server refuses a conditional put of a name that is taken. One that knows no
 * conditions would overwrite archived objects and say nothing.
 *
 * @throws {Error} It overwrote. @throws {ObjectStoreUnavailableError} It could not be asked.
 */
export async function assertConditionalPuts(settings: S3Settings): Promise<void> {
  const s3 = new S3Client(settings);
  const bytes = new TextEncoder().encode("trueclick");
  await putIfAbsent(s3, PROBE_PATH, bytes);
  const again = await conditionalPut(s3, PROBE_PATH, bytes);
  if (again.status === 412) return;
  if (again.status !== 200) throw refused("could not try a conditional put", again);
  throw new Error("the S3 server does not honour If-None-Match: objects would be overwritten");
}

async function putIfAbsent(s3: S3Client, path: string, bytes: Uint8Array) {
  assertObjectPath(path);
  const answer = await conditionalPut(s3, path, bytes);
  if (answer.status === 200) return "stored";
  if (answer.status !== 412) throw refused(`could not store ${path}`, answer);
  // Somebody else's, or our own of a try whose answer was lost.
  const present = await get(s3, path);
  if (present === null) throw new ObjectStoreUnavailableError(`${path} was there and is gone`);
  return Buffer.from(present).equals(bytes) ? "same" : "different";
}

function conditionalPut(s3: S3Client, path: string, bytes: Uint8Array): Promise<S3Answer> {
  const sha256 = hash("sha256", bytes, "buffer");
  return s3.send({
    method: "PUT",
    path,
    body: bytes,
    headers: {
      "content-type": "application/octet-stream",
      "if-none-match": "*",
      // Part of what is signed, and checked against what arrives.
      "x-amz-content-sha256": sha256.toString("hex"),
      "x-amz-checksum-sha256": sha256.toString("base64"),
    },
  });
}

async function get(s3: S3Client, path: string): Promise<Uint8Array | null> {
  assertObjectPath(path);
  const headers = { "x-amz-checksum-mode": "ENABLED" };
  const answer = await s3.send({ method: "GET", path, headers });
  if (answer.status === 200) {
    assertWhole(path, answer);
    return answer.body;
  }
  if (isMissingObject(answer)) return null;
  throw refused(`could not read ${path}`, answer);
}

/** Where the server says what the object's checksum is, the body must have it. */
function assertWhole(path: string, { headers, body }: S3Answer): void {
  const expected = headers.get("x-amz-checksum-sha256");
  // One with a dash is of parts, as other programs put large objects.
  if (expected === null || expected.includes("-")) return;
  if (hash("sha256", body, "base64") === expected) return;
  throw new ObjectStoreUnavailableError(`${path} did not arrive as it was stored`);
}

interface ListPage {
  readonly keys: readonly string[];
  readonly nextToken: string | null;
}

async function listPage(
  s3: S3Client,
  prefix: string,
  keysMax: number,
  token: string | null,
): Promise<ListPage> {
  const query = { "list-type": "2", prefix, "max-keys": String(keysMax), "encoding-type": "url" };
  const answer = await s3.send({
    method: "GET",
    path: "",
    query: token === null ? query : { ...query, "continuation-token": token },
  });
  if (answer.status !== 200) throw refused(`could not list ${prefix}`, answer);
  const xml = new TextDecoder().decode(answer.body);
  const next = /<NextContinuationToken>([^<]+)<\/NextContinuationToken>/.exec(xml)?.[1];
  return {
    // Encoded as in a URL, so no character of XML's own can be in them.
    keys: [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) => decodeURIComponent(key)),
    nextToken: next === undefined ? null : unescapeXml(next),
  };
}

/** Only the object: a bucket that is missing is a fault of the settings, not an empty archive. */
function isMissingObject({ status, errorCode }: S3Answer): boolean {
  return status === 404 && errorCode === "NoSuchKey";
}

function refused(what: string, { status, errorCode }: S3Answer): ObjectStoreUnavailableError {
  return new ObjectStoreUnavailableError(`${what}: S3 answered ${status} ${errorCode ?? ""}`);
}

const XML_ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function unescapeXml(text: string): string {
  return text.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => XML_ENTITIES[entity] ?? entity);
}
