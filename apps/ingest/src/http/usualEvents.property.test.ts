/** The short way of usual requests answers, stores and counts as the long way does. */
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  BROWSER_KEY,
  type EdgeInMemory,
  EXPIRED_KEY,
  OPERATOR_KEY,
  SERVER_KEY,
  SIGNERS_KEY,
  SLOW_KEY,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";
import { readEventCounts } from "../testing/eventCounts.ts";
import { exchangeRaw, type RawAnswer } from "../testing/rawClient.ts";

const JSON_TYPE = "application/json";
const NOW_MS = Date.UTC(2026, 5, 1, 12);

/**
 * Four requests at once that are each taken for the largest, which are as many as there are: which of
 * them found room beside the others would be chance.
 */
const IN_FLIGHT_BYTES_MAX = 4 * 2 * 1_048_576;

let short: EdgeInMemory;
let long: EdgeInMemory;
beforeEach(async () => {
  short = await startEdgeInMemory(NOW_MS, true, IN_FLIGHT_BYTES_MAX);
  long = await startEdgeInMemory(NOW_MS, false, IN_FLIGHT_BYTES_MAX);
});
afterEach(async () => {
  await short.stop();
  await long.stop();
});

const good = fc.record({
  event_id: fc.nat({ max: 1e6 }).map((id) => `evt_${id}_usual`),
  event_type: fc.constantFrom("click", "click", "impression"),
  token: fc.constantFrom(undefined, "t2.no.such.token.x"),
  ip: fc.constantFrom(undefined, "198.51.100.7"),
});
const event = fc.oneof(
  { weight: 6, arbitrary: good.map((fields) => click(NOW_MS, fields)) },
  fc.constantFrom({}, click(NOW_MS, { user_id: "é" }), click(NOW_MS, { event_id: "short" })),
  fc.constantFrom(click(NOW_MS - 40 * 86_400_000), click(NOW_MS, { user_agent: "new one" })),
);
const body = fc.oneof(
  { weight: 6, arbitrary: event.map((one) => JSON.stringify(one)) },
  fc.array(event, { maxLength: 6 }).map((events) => JSON.stringify(events)),
  fc.array(event, { maxLength: 6 }).map((events) => JSON.stringify({ events })),
  fc.constantFrom("", "{", "null", `[${"1,".repeat(1_000)}1]`),
);
const HEADERS = [
  ...["Sec-Purpose: prefetch", "X-Moz: other", "Content-Encoding: identity"],
  ...["X-Trueclick-Signature: 00", "Expect: 100-continue", "Connection: keep-alive"],
  ...["User-Agent: Googlebot/2.1", "User-Agent: Mozilla/5.0 (iPhone)", "Origin: https://a.test"],
  `Authorization: Bearer ${BROWSER_KEY}`,
];
const head = fc.record({
  key: fc.constantFrom(
    ...[SERVER_KEY, SERVER_KEY, SERVER_KEY, BROWSER_KEY, BROWSER_KEY, SLOW_KEY],
    ...[EXPIRED_KEY, SIGNERS_KEY, OPERATOR_KEY, "guess"],
  ),
  type: fc.constantFrom(...Array.from({ length: 6 }, () => JSON_TYPE), "text/plain", "text/html"),
  more: fc.oneof(fc.constant([]), fc.subarray(HEADERS, { maxLength: 2 })),
  host: fc.constantFrom("Host: edge", "Host: edge", "Host: edge", "X-Host: none"),
});
type Head = typeof head extends fc.Arbitrary<infer Value> ? Value : never;

function requestOf({ key, type, more, host }: Head, text: string, isInChunks: boolean): string {
  const bytes = Buffer.byteLength(text);
  const lines = [
    ...["POST /v1/events HTTP/1.1", host, `Authorization: Bearer ${key}`],
    ...[`Content-Type: ${type}`, ...more],
    isInChunks ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes}`,
  ];
  const chunks = bytes === 0 ? "0\r\n\r\n" : `${bytes.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  return `${lines.join("\r\n")}\r\n\r\n${isInChunks ? chunks : text}`;
}

const CHANGES = [null, null, null, "key", "type", "more", "host"] as const;

/** Requests of one connection, of which some say the same as the first one, some all but one thing. */
const requestsOfOne = fc
  .record({
    first: head,
    changes: fc.record({ key: head, type: head, more: head, host: head }),
    sent: fc.array(fc.record({ change: fc.constantFrom(...CHANGES), body }), {
      ...{ minLength: 1, maxLength: 4 },
    }),
    inChunks: fc.array(fc.nat({ max: 11 }), { maxLength: 2 }),
  })
  .map(({ first, changes, sent, inChunks }) =>
    sent.map(({ change, body: text }, index) => {
      const changed = change === null ? {} : { [change]: changes[change][change] };
      return requestOf({ ...first, ...changed }, text, inChunks.includes(index));
    }),
  );

function answersTo(port: number, requests: readonly string[], cut: number): Promise<RawAnswer[]> {
  const bytes = Buffer.from(requests.join(""));
  const at = cut % (bytes.length + 1);
  const pieces = [bytes.subarray(0, at), 1, bytes.subarray(at)];
  return exchangeRaw({ port, pieces, methods: requests.map(() => "POST"), hangsUp: false });
}

/** What an edge answers to requests of one connection, and what it has stored and counted then. */
async function outcome(edge: EdgeInMemory, requests: readonly string[], cut: number) {
  // Requests of one connection are taken side by side: which of two takes the last that a source
  // may send is chance, so those of the slow one are sent one after the other.
  const isInTurn = requests.filter((request) => request.includes(SLOW_KEY)).length > 1;
  const answers: RawAnswer[] = [];
  for (const sent of isInTurn ? requests.map((request) => [request]) : [requests]) {
    answers.push(...(await answersTo(edge.port, sent, cut)));
  }
  return {
    answers: answers.map(({ status, headers, body: text }) => ({
      ...{ status, text },
      headers: [...headers].filter(([name]) => name !== "date"),
    })),
    stored: edge.sink.blocks.flatMap(({ partition, value }) => linesOf(partition, value)).sort(),
    quarantined: edge.quarantine.items.map((item) => JSON.stringify(item)).sort(),
    counts: await readEventCounts(edge.url),
    held: edge.inFlight.bytes,
    faults: edge.faults,
  };
}

function linesOf(partition: number, value: Buffer): string[] {
  return value
    .toString()
    .split("\n")
    .map((line) => `${partition} ${line}`);
}

it("takes usual requests as the long way takes them", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      requestsOfOne,
      fc.nat(),
      fc.constantFrom(true, true, true, false),
      fc.constantFrom(true, true, true, false),
      async (requests, cut, isLogUp, areKeysUp) => {
        for (const edge of [short, long]) {
          edge.sink.isUp = isLogUp;
          edge.keys.isUp = areKeysUp;
          edge.sink.blocks.length = 0;
          edge.quarantine.items.length = 0;
        }
        const [byShort, byLong] = await Promise.all([
          outcome(short, requests, cut),
          outcome(long, requests, cut),
        ]);
        expect(byShort).toEqual(byLong);
        accepted += byShort.stored.length;
      },
    ),
    { numRuns: 120, endOnFailure: true },
  );
  // Where nothing is accepted nothing is proven.
  expect(accepted).toBeGreaterThan(10);
});

it("judges each request of a connection by its own key", async () => {
  const requestBy = (key: string) => {
    const text = JSON.stringify(click(NOW_MS));
    return (
      `POST /v1/events HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer ${key}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
    );
  };
  const keys = [SERVER_KEY, "key-of-a-servet", SERVER_KEY, EXPIRED_KEY, BROWSER_KEY];
  const methods = keys.map(() => "POST");
  const pieces = keys.map(requestBy);
  const answers = await exchangeRaw({ port: short.port, pieces, methods, hangsUp: false });
  expect(answers.map(({ status }) => status)).toEqual([202, 401, 202, 401, 202]);
  const sources = short.sink.events().map(({ source_id }) => source_id);
  expect(sources.sort()).toEqual(["src_browser", "src_server", "src_server"]);
});
