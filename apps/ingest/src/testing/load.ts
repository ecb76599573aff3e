/** Senders that never rest, and what they were told. */
import { setTimeout as wait } from "node:timers/promises";
import { click } from "./click.ts";
import { SOURCE_KEY } from "./edgeOnPostgres.ts";

/** Without an answer after this a sender counts as unanswered, milliseconds. */
const ANSWER_WITHIN_MS = 20_000;

export interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly durationMs: number;
  /** Since the load began, milliseconds. */
  readonly atMs: number;
}

export interface LoadSettings {
  /** Begins every id, so that no two loads have one in common. */
  readonly name: string;
  readonly senders: number;
  readonly random: () => number;
  readonly batchEventsMax: number;
  /** How long a sender rests between two requests, milliseconds. */
  readonly pauseMs?: number;
}

/** Sends to where `url` says, which may change, until it is stopped. */
export class Load {
  /** Ids of events that were answered with 202. */
  readonly acked = new Set<string>();
  readonly answers: Answered[] = [];
  readonly #settings: LoadSettings;
  readonly #startedAtMs = performance.now();
  readonly #done: Promise<unknown>;
  #url: string;
  #isStopped = false;

  constructor(url: string, settings: LoadSettings) {
    this.#url = url;
    this.#settings = settings;
    const senders = Array.from({ length: settings.senders }, (_, sender) => this.#send(sender));
    this.#done = Promise.all(senders);
  }

  set url(url: string) {
    this.#url = url;
  }

  statuses(): Set<number> {
    return new Set(this.answers.map(({ status }) => status));
  }

  /** Ends once every request under way is answered or lost. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #send(sender: number): Promise<void> {
    const { name, random, batchEventsMax, pauseMs = 0 } = this.#settings;
    for (let request = 0; !this.#isStopped; request += 1) {
      const events = 1 + Math.floor(random() * batchEventsMax);
      const ids = Array.from({ length: events }, (_, n) => `${name}.${sender}.${request}.${n}`);
      const isAnswered = await this.#post(ids);
      // A process that is gone refuses in no time; it must not be asked a thousand times a second.
      if (!isAnswered || pauseMs > 0) await wait(Math.max(pauseMs, 5));
    }
  }

  async #post(ids: readonly string[]): Promise<boolean> {
    const startedAtMs = performance.now();
    try {
      const response = await fetch(`${this.#url}/v1/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${SOURCE_KEY}`, "content-type": "application/json" },
        body: JSON.stringify(ids.map((event_id) => click(Date.now(), { event_id }))),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      await response.body?.cancel();
      this.answers.push({
        status: response.status,
        retryAfter: response.headers.get("retry-after"),
        durationMs: performance.now() - startedAtMs,
        atMs: performance.now() - this.#startedAtMs,
      });
      if (response.status === 202) for (const id of ids) this.acked.add(id);
      return response.status === 202;
    } catch {
      return false;
    }
  }
}
