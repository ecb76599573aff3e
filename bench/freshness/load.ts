/**
 * A paced load of events as a busy ad server sends them, in a thread of its own. It shares the
 * processor with what is measured, so bodies are made beforehand, but for ids and times.
 */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

export interface LoadOptions {
  readonly url: string;
  readonly authorization: string;
  readonly eventsPerSecond: number;
  readonly seconds: number;
  readonly campaigns: readonly string[];
  /** Makes the ids of one load its own. */
  readonly name: string;
}

/** What became of it. */
export interface LoadReport {
  readonly acked: number;
  readonly refused: number;
  /** From the first to the last answer. */
  readonly seconds: number;
}

const BATCH_EVENTS = 500;
const REQUESTS_MAX = 16;
/** Bodies that take turns, each of users of its own. */
const BODIES = 40;
/** Digits of an epoch time in milliseconds, and of an event's number. */
const DIGITS = 13;
const TIME_PLACE = "1".repeat(DIGITS);
const SERIAL_PLACE = "2".repeat(DIGITS);

/** Sends the load; resolves once every request was answered. */
export function runLoad(options: LoadOptions): Promise<LoadReport> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

async function send(options: LoadOptions): Promise<LoadReport> {
  const { eventsPerSecond, seconds } = options;
  const bodies = Array.from({ length: BODIES }, (_none, at) => toBody(options, at));
  const post = poster(options);
  const batches = Math.ceil((eventsPerSecond * seconds) / BATCH_EVENTS);
  const everyMs = (1_000 * BATCH_EVENTS) / eventsPerSecond;
  const startedMs = performance.now();
  const inFlight = new Set<Promise<void>>();
  let acked = 0;
  let refused = 0;
  for (let batch = 0; batch < batches; batch += 1) {
    const waitMs = startedMs + batch * everyMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    while (inFlight.size >= REQUESTS_MAX) await Promise.race(inFlight);
    const body = bodies[batch % BODIES];
    if (body === undefined) throw new RangeError(`There is no body ${batch % BODIES}`);
    const posting = post(renewed(body, batch * BATCH_EVENTS)).then((ok) => {
      if (ok) acked += BATCH_EVENTS;
      else refused += BATCH_EVENTS;
      inFlight.delete(posting);
    });
    inFlight.add(posting);
  }
  await Promise.all(inFlight);
  return { acked, refused, seconds: (performance.now() - startedMs) / 1_000 };
}

function poster({ url, authorization }: LoadOptions): (body: Buffer) => Promise<boolean> {
  const agent = new Agent({ keepAlive: true, maxSockets: REQUESTS_MAX });
  return async (body) => {
    const type = { "content-type": "application/x-ndjson", "content-length": body.length };
    const posting = request(url, { method: "POST", agent, headers: { authorization, ...type } });
    posting.end(body);
    const [answer] = await once(posting, "response");
    answer.resume();
    await once(answer, "end");
    return answer.statusCode === 202 || answer.statusCode === 200;
  };
}

interface Body {
  readonly bytes: Buffer;
  /** Of each event, where its time and its number are written. */
  readonly timesAt: readonly number[];
  readonly serialsAt: readonly number[];
}

/** A fifth of the events are clicks of the last seconds; half of all are one campaign's. */
function toBody({ name, campaigns }: LoadOptions, of: number): Body {
  const lines = Array.from({ length: BATCH_EVENTS }, (_none, at) => {
    const user = of * BATCH_EVENTS + at;
    return JSON.stringify({
      schema_version: 1,
      event_type: at % 5 === 0 ? "click" : "impression",
      event_id: `load-${name}-${SERIAL_PLACE}`,
      event_time: Number(TIME_PLACE),
      campaign_id: at % 2 === 0 ? campaigns[0] : campaigns[user % campaigns.length],
      ad_id: `ad-${user % 3}`,
      publisher_id: `pub-${user % 7}`,
      user_id: `user-${user}`,
      geo: GEOS[user % GEOS.length],
      device: user % 3 === 0 ? "desktop" : "mobile",
      ip: `203.0.113.${user % 250}`,
      user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    });
  });
  const bytes = Buffer.from(lines.join("\n"));
  return { bytes, timesAt: placesOf(bytes, TIME_PLACE), serialsAt: placesOf(bytes, SERIAL_PLACE) };
}

function placesOf(bytes: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}

/** A copy, since the one before may still be on its way. */
function renewed({ bytes, timesAt, serialsAt }: Body, serialFrom: number): Buffer {
  const body = Buffer.from(bytes);
  const nowMs = Date.now();
  for (const [at, place] of timesAt.entries()) {
    body.write(String(nowMs - ((serialFrom + at) % 2_000)), place, "latin1");
  }
  for (const [at, place] of serialsAt.entries()) {
    body.write(String(serialFrom + at).padStart(DIGITS, "0"), place, "latin1");
  }
  return body;
}

const GEOS = ["DE", "AT", "CH", "FR", "NL", "US", "GB", "NP"];

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  send(workerData).then((report) => port.postMessage(report));
}
