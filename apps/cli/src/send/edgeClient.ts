/** Sends batches of events to the edge until it has answered for each. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { CliError } from "../terminal/errors.ts";

const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 10_000;
const GIVE_UP_AFTER_MS = 5 * 60_000;
const REQUEST_TIMEOUT_MS = 30_000;

const LINE_FEED = Buffer.from("\n");

const answerSchema = z.object({
  accepted: z.int().nonnegative(),
  rejected: z.array(z.object({ index: z.int(), code: z.string(), message: z.string() })),
});
/** What became of a batch; `index` counts its events from 0. */
export type EdgeAnswer = z.infer<typeof answerSchema>;

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

export interface EdgeClient {
  /**
   * Sends events, as they are, and answers what became of each. While the edge is away or asks for
   * patience, the same bytes are sent again: what had arrived already is a duplicate then.
   *
   * @throws {CliError} `edge_refused` if the edge will never take them, `edge_away` after five
   *   minutes without an answer, `stopped` if the user stopped waiting for one.
   */
  send(events: readonly Buffer[]): Promise<EdgeAnswer>;
}

export interface EdgeClientOptions {
  readonly ingestUrl: string;
  readonly sourceKey: string;
  /** Ends the waiting for an edge that is away; a request under way is answered first. */
  readonly stop: AbortSignal;
}

export function createEdgeClient(options: EdgeClientOptions): EdgeClient {
  return {
    async send(events) {
      const body = Buffer.concat(events.flatMap((event) => [event, LINE_FEED]));
      const deadline = Date.now() + GIVE_UP_AFTER_MS;
      for (let attempt = 0; ; attempt += 1) {
        const outcome = await post(options, body, events.length);
        if (outcome.kind === "answered") return outcome.answer;
        if (outcome.kind === "refused") throw new CliError("edge_refused", outcome.message);
        if (options.stop.aborted) throw new CliError("stopped", "Stopped while the edge was away.");
        if (Date.now() >= deadline) {
          throw new CliError("edge_away", `The edge did not take events: ${outcome.message}`);
        }
        await waitForRetry(attempt, outcome.retryAfterMs, options.stop);
      }
    },
  };
}

type Outcome =
  | { readonly kind: "answered"; readonly answer: EdgeAnswer }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "away"; readonly message: string; readonly retryAfterMs: number };

async function post(
  { ingestUrl, sourceKey }: EdgeClientOptions,
  body: Buffer<ArrayBuffer>,
  count: number,
): Promise<Outcome> {
  try {
    const response = await fetch(`${ingestUrl}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${sourceKey}`, "content-type": "application/x-ndjson" },
      body,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    return toOutcome(response.status, response.headers, await response.text(), count);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const message = `${ingestUrl}: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { kind: "away", message, retryAfterMs: 0 };
  }
}

function toOutcome(status: number, headers: Headers, text: string, count: number): Outcome {
  if (status === 202 || status === 422) {
    return { kind: "answered", answer: answerSchema.parse(JSON.parse(text)) };
  }
  const error = errorSchema.safeParse(tryJson(text)).data?.error;
  const message = `${status} ${error?.code ?? ""} ${error?.message ?? text.slice(0, 200)}`.trim();
  // Where no line of the batch is JSON, the edge speaks of the body as a whole.
  if (status === 400 && error?.code === "bad_json") {
    const rejected = Array.from({ length: count }, (_, index) => ({ index, ...error }));
    return { kind: "answered", answer: { accepted: 0, rejected } };
  }
  if (status === 429 || status >= 500) {
    const seconds = Number(headers.get("retry-after") ?? "0");
    return { kind: "away", message, retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0 };
  }
  return { kind: "refused", message: `The edge refuses: ${message}` };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Full jitter, so that senders that were turned away together do not come back together. */
async function waitForRetry(
  attempt: number,
  retryAfterMs: number,
  stop: AbortSignal,
): Promise<void> {
  const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** attempt);
  const waitMs = Math.max(retryAfterMs, Math.random() * ceilingMs);
  await pause(waitMs, null, { signal: stop }).catch(() => null);
}
