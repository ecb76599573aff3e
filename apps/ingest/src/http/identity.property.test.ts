/**
 * I2 at the edge, for any input: received = accepted + quarantined + refused for every source, as
 * `/metrics` says it, and the same as its answers said and as is really there. No input gives a 5xx
 * but 503, shows the inside of the program, or ends it.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  BROWSER_KEY,
  type EdgeInMemory,
  SERVER_KEY,
  STRICT_KEY,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";
import { type EventCounts, readEventCounts, unbalanced } from "../testing/eventCounts.ts";
import { type FuzzedRequest, fuzzedRequest } from "../testing/fuzzedRequests.ts";
import { exchangeRaw, type RawAnswer } from "../testing/rawClient.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const WAIT = { timeout: 120_000, interval: 5 };
const SOURCE_BY_KEY = new Map<string | null, string>([
  [SERVER_KEY, "src_server"],
  [BROWSER_KEY, "src_browser"],
  [STRICT_KEY, "src_strict"],
]);

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

const ERROR = { error: { code: expect.any(String), message: expect.any(String) } };
const RECEIPT = { accepted: expect.any(Number), rejected: expect.any(Array) };
/** A stack, a path of ours or of Node's, the name of a class of errors. */
const INSIDES = /\bat .+:\d+:\d+|node:|\.ts\b|node_modules|\b[A-Z]\w*(Error|Exception)\b/;

function expectDecent({ status, headers, body }: RawAnswer, method: string): void {
  expect(status < 500 || status === 503, `${status}`).toBe(true);
  expect(body).not.toMatch(INSIDES);
  if (status === 503 || status === 429)
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  if (status < 400 || method === "HEAD") return;
  expect(JSON.parse(body)).toMatchObject(status === 422 ? RECEIPT : ERROR);
}

interface Told {
  readonly source: string;
  readonly accepted: number;
  readonly quarantined: number;
  /** At least and at most: a refusal does not say how many events it turns away. */
  readonly refused: readonly [number, number];
}

/** What an answer told about its events; null where it was no matter of events. */
function toldBy({ method, path, key, eventsMax }: FuzzedRequest, answer: RawAnswer): Told | null {
  if (method !== "POST" || path.split("?")[0] !== "/v1/events") return null;
  const { status } = answer;
  const isStranger = status === 401 || status === 403;
  const source = isStranger ? "-" : (SOURCE_BY_KEY.get(key) ?? "-");
  const nothing = { source, accepted: 0, quarantined: 0, refused: [0, 0] } as const;
  const body = JSON.parse(answer.body);
  if (status === 202 || status === 422) {
    return { ...nothing, accepted: body.accepted, quarantined: body.rejected.length };
  }
  if (status === 400 && ["bad_json", "bad_encoding"].includes(body.error.code)) {
    return { ...nothing, quarantined: 1 };
  }
  return { ...nothing, refused: [1, eventsMax] };
}

function growth(before: EventCounts, after: EventCounts, source: string) {
  const of = (kind: keyof EventCounts) =>
    (after[kind].get(source) ?? 0) - (before[kind].get(source) ?? 0);
  return { accepted: of("accepted"), quarantined: of("quarantined"), refused: of("refused") };
}

/** What `/metrics` counts now must be what was told since `before`. */
async function expectTold(before: EventCounts, told: readonly Told[]): Promise<void> {
  const after = await readEventCounts(edge.url);
  expect(unbalanced(after)).toEqual([]);
  for (const source of new Set(["-", ...SOURCE_BY_KEY.values()])) {
    const own = told.filter((each) => each.source === source);
    const sum = (read: (each: Told) => number) => own.reduce((all, each) => all + read(each), 0);
    const grown = growth(before, after, source);
    expect({ source, ...grown }).toMatchObject({
      source,
      accepted: sum(({ accepted }) => accepted),
      quarantined: sum(({ quarantined }) => quarantined),
    });
    expect(grown.refused).toBeGreaterThanOrEqual(sum(({ refused }) => refused[0]));
    expect(grown.refused).toBeLessThanOrEqual(sum(({ refused }) => refused[1]));
  }
}

/** What is counted as accepted and as quarantined must be there. */
async function expectKept(): Promise<void> {
  const { accepted, quarantined } = await readEventCounts(edge.url);
  const total = (by: ReadonlyMap<string, number>) => [...by.values()].reduce((a, b) => a + b, 0);
  expect(edge.sink.events()).toHaveLength(total(accepted));
  expect(edge.quarantine.items).toHaveLength(total(quarantined));
  expect(edge.inFlight.bytes).toBe(0);
  expect(edge.faults).toEqual([]);
}

const request = fuzzedRequest(NOW_MS);
/** A limit of the source, or of the machine, must not hide what is behind it. */
const RUNS = { numRuns: 250, endOnFailure: true };

describe("the edge adds up", () => {
  it("for whole requests of every kind, one behind the other without waiting", async () => {
    const pipeline = fc.array(request, { minLength: 1, maxLength: 4 });
    const logIsUp = fc.constantFrom(true, true, true, false);
    await fc.assert(
      fc.asyncProperty(pipeline, logIsUp, async (requests, isUp) => {
        edge.sink.isUp = isUp;
        const before = await readEventCounts(edge.url);
        const methods = requests.map(({ method }) => method);
        const pieces = [Buffer.concat(requests.map(({ bytes }) => bytes))];
        const answers = await exchangeRaw({ port: edge.port, pieces, methods, hangsUp: false });
        expect(answers).toHaveLength(requests.length);
        const told = requests.map((each, index) => {
          const answer = answers[index];
          if (answer === undefined) throw new Error("There is no answer");
          expectDecent(answer, each.method);
          return toldBy(each, answer);
        });
        await expectTold(
          before,
          told.filter((each) => each !== null),
        );
      }),
      RUNS,
    );
    await expectKept();
  });

  it("for clients that dribble, pause and hang up in the middle", async () => {
    const cuts = fc.array(fc.nat({ max: 9_999 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(request, cuts, fc.boolean(), async (each, places, isWhole) => {
        const { bytes, method } = each;
        const at = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
        const ends = isWhole ? [...at, bytes.length] : at;
        const pieces = ends.flatMap((end, index) => [bytes.subarray(ends[index - 1] ?? 0, end), 2]);
        const hangsUp = !isWhole;
        const answers = await exchangeRaw({ port: edge.port, pieces, methods: [method], hangsUp });
        for (const answer of answers) expectDecent(answer, method);
        if (isWhole) expect(answers).toHaveLength(1);
      }),
      RUNS,
    );
    await expect.poll(() => edge.inFlight.bytes, WAIT).toBe(0);
    await expect.poll(async () => unbalanced(await readEventCounts(edge.url)), WAIT).toEqual([]);
    await expectKept();
  });

  it("for bytes that are hardly HTTP any more", async () => {
    const harm = fc.record({
      at: fc.nat({ max: 9_999 }),
      kind: fc.constantFrom("flip", "drop", "double", "insert"),
      byte: fc.nat({ max: 255 }),
    });
    const harms = fc.array(harm, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(request, harms, async ({ bytes, method }, all) => {
        const pieces = [all.reduce((harmed, one) => harmAt(harmed, one), bytes), 5];
        const exchange = { port: edge.port, pieces, methods: [method], hangsUp: true };
        for (const answer of await exchangeRaw(exchange)) {
          expect(answer.status < 500 || answer.status === 503, `${answer.status}`).toBe(true);
          expect(answer.body).not.toMatch(INSIDES);
        }
      }),
      RUNS,
    );
    await expect.poll(() => edge.inFlight.bytes, WAIT).toBe(0);
    await expect.poll(async () => unbalanced(await readEventCounts(edge.url)), WAIT).toEqual([]);
    await expectKept();
    expect((await fetch(`${edge.url}/healthz`)).status).toBe(200);
  });
});

it("counts as refused what went wrong in a way that nobody foresaw", async () => {
  const gate = Promise.reject(new TypeError("secret of the inside"));
  gate.catch(() => {});
  edge.sink.gate = gate;
  const response = await fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${SERVER_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(click(NOW_MS)),
  });
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await response.text()).not.toMatch(/secret|TypeError/);
  expect(edge.faults).toHaveLength(1);
  const counts = await readEventCounts(edge.url);
  expect([counts.received.get("src_server"), counts.refused.get("src_server")]).toEqual([1, 1]);
});

function harmAt(bytes: Buffer, { at, kind, byte }: { at: number; kind: string; byte: number }) {
  const place = at % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  const middle = kind === "insert" ? Buffer.from([byte]) : after.subarray(0, 3);
  if (kind === "insert" || kind === "double") return Buffer.concat([before, middle, after]);
  if (kind === "drop") return Buffer.concat([before, after.subarray(1)]);
  return Buffer.concat([before, Buffer.from([byte]), after.subarray(1)]);
}
