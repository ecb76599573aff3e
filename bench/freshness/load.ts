/** A paced load of events as a busy ad server sends them, in a thread of its own. */
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

/** Sends the load; resolves once every request was answered. */
export function runLoad(options: LoadOptions): Promise<LoadReport> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

async function send(options: LoadOptions): Promise<LoadReport> {
  const { url, authorization, eventsPerSecond, seconds } = options;
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
    const posting = post(url, authorization, bodyOf(options, batch)).then((ok) => {
      if (ok) acked += BATCH_EVENTS;
      else refused += BATCH_EVENTS;
      inFlight.delete(posting);
    });
    inFlight.add(posting);
  }
  await Promise.all(inFlight);
  return { acked, refused, seconds: (performance.now() - startedMs) / 1_000 };
}

async function post(url: string, authorization: string, body: string): Promise<boolean> {
  const headers = { authorization, "content-type": "application/x-ndjson" };
  const answer = await fetch(url, { method: "POST", headers, body });
  await answer.arrayBuffer();
  return answer.status === 202 || answer.status === 200;
}

/** A fifth of the events are clicks of the last seconds; half of all are one campaign's. */
function bodyOf({ name, campaigns }: LoadOptions, batch: number): string {
  const nowMs = Date.now();
  const lines: string[] = [];
  for (let at = 0; at < BATCH_EVENTS; at += 1) {
    const serial = batch * BATCH_EVENTS + at;
    const campaign = at % 2 === 0 ? campaigns[0] : campaigns[serial % campaigns.length];
    lines.push(
      JSON.stringify({
        schema_version: 1,
        event_type: at % 5 === 0 ? "click" : "impression",
        event_id: `load-${name}-${serial}`,
        event_time: nowMs - (serial % 2_000),
        campaign_id: campaign,
        ad_id: `ad-${serial % 3}`,
        publisher_id: `pub-${serial % 7}`,
        user_id: `user-${serial % 50_000}`,
        geo: GEOS[serial % GEOS.length],
        device: serial % 3 === 0 ? "desktop" : "mobile",
        ip: `203.0.113.${serial % 250}`,
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
      }),
    );
  }
  return lines.join("\n");
}

const GEOS = ["DE", "AT", "CH", "FR", "NL", "US", "GB", "NP"];

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  send(workerData).then((report) => port.postMessage(report));
}
