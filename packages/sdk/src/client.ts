/**
 * Takes events, keeps them until the edge has answered for them, and sends them in batches, one
 * request at a time. Whatever happens in between, an event goes out under the id and with the time
 * that it got when it was taken, so that the edge's readers count it once.
 */
import { judge, type Verdict } from "./answer.ts";
import type { Platform } from "./platform.ts";
import { bytesOf, type Entry, EventQueue, type QueueLimits } from "./queue.ts";
import type {
  ClickFields,
  ConversionFields,
  EventFields,
  Trueclick,
  TrueclickOptions,
} from "./types.ts";

/** What the edge takes of one event, and of one request. */
const EVENT_BYTES_MAX = 8_192;
const BATCH_EVENTS_MAX = 1_000;
/** Browsers send 64 KiB in all after a page is gone. */
const BATCH_BYTES_MAX = 60_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/** No answer keeps the SDK silent for longer, whatever it asks for. */
const RETRY_AFTER_MAX_MS = 3_600_000;
/** How often is looked for what closed tabs left. */
const ADOPT_EVERY_MS = 10_000;

const IMPRESSION = "impression";

type Event = Readonly<Record<string, unknown>>;

export class TrueclickClient implements Trueclick {
  readonly #options: TrueclickOptions;
  readonly #platform: Platform;
  readonly #queue: EventQueue;
  readonly #batch: QueueLimits;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #unlisten: () => void;
  /** Entries that a request under way holds. */
  #busy: ReadonlySet<Entry> = new Set();
  /** Less than the batch's after an answer that asks for smaller requests. */
  #eventsMax: number;
  #failures = 0;
  /** Until then the edge wants no request; and when the next one is due after a failure. */
  #quietUntilMs = 0;
  #retryAtMs = 0;
  #isStopped = false;
  #isClosed = false;
  #sending: Promise<boolean> | null = null;
  #sendAtMs = 1 / 0;
  #cancelSend: () => void = () => {};
  #cancelAdopt: () => void = () => {};

  constructor(options: TrueclickOptions, platform: Platform) {
    const { key, batchEventsMax: eventsMax = 50, batchBytesMax: bytesMax = 48 * 1_024 } = options;
    const { queueEventsMax = 1_000, queueBytesMax = 512 * 1_024 } = options;
    const url = `${options.endpoint.replace(/\/+$/, "")}/v1/events`;
    this.#options = options;
    this.#platform = platform;
    this.#url = platform.isPage ? `${url}?key=${encodeURIComponent(key)}` : url;
    // A page's request stays what needs no preflight, which would be lost while the page closes.
    this.#headers = platform.isPage
      ? { "content-type": "text/plain" }
      : { "content-type": "application/json", authorization: `Bearer ${key}` };
    this.#batch = {
      eventsMax: Math.min(eventsMax, BATCH_EVENTS_MAX),
      bytesMax: Math.min(bytesMax, BATCH_BYTES_MAX),
    };
    this.#eventsMax = this.#batch.eventsMax;
    const limits = { eventsMax: queueEventsMax, bytesMax: queueBytesMax };
    this.#queue = new EventQueue(`trueclick/${key}`, platform, limits);
    this.#unlisten = platform.listen({
      hidden: () => void this.flush(),
      leaving: () => this.#leave(),
      online: () => void this.flush(),
    });
    this.#adopt();
  }

  click(fields: ClickFields): string {
    return this.#take("click", fields);
  }

  impression(fields: EventFields = {}): string {
    return this.#take(IMPRESSION, fields);
  }

  conversion(fields: ConversionFields = {}): string {
    return this.#take("conversion", fields);
  }

  async flush(): Promise<boolean> {
    if (this.#quietUntilMs > this.#platform.now()) return this.#queue.events === 0;
    return this.#send();
  }

  async close(): Promise<boolean> {
    this.#isClosed = true;
    this.#cancelAdopt();
    this.#unlisten();
    const isEmpty = await this.flush();
    this.#cancelSend();
    this.#queue.letGo();
    return isEmpty;
  }

  #take(event_type: string, fields: EventFields): string {
    const event_id = fields.event_id ?? this.#platform.newId();
    const event_time = fields.event_time ?? this.#platform.now();
    const event = { ...fields, schema_version: 1, event_type, event_id, event_time };
    let text = "";
    try {
      text = JSON.stringify(event);
    } catch (error) {
      this.#giveUp(event, "not_serializable", String(error));
      return event_id;
    }
    const bytes = bytesOf(text);
    if (bytes > EVENT_BYTES_MAX) this.#giveUp(event, "too_large", `${bytes} bytes`);
    else if (this.#isClosed) this.#giveUp(event, "closed");
    else if (this.#push(text, bytes, event_type)) this.#schedule();
    else this.#giveUp(event, "queue_full");
    return event_id;
  }

  /** Where there is no room, an impression makes it for anything else: clicks are money. */
  #push(text: string, bytes: number, eventType: string): boolean {
    const isSpare = (entry: Entry) => toEvent(entry)["event_type"] === IMPRESSION;
    while (!this.#queue.push(text, bytes)) {
      const spare = eventType === IMPRESSION ? undefined : this.#queue.find(isSpare);
      if (!spare) return false;
      this.#queue.remove([spare]);
      this.#giveUp(toEvent(spare), "queue_full");
    }
    return true;
  }

  #giveUp(event: Event, code: string, message = ""): void {
    this.#tell(() => this.#options.onUndelivered?.({ event, code, message }));
  }

  #tell(work: () => void): void {
    try {
      work();
    } catch {
      // The application's fault must not keep other events from being sent.
    }
  }

  #schedule(): void {
    const { events, bytes } = this.#queue;
    if (this.#isStopped || this.#isClosed || this.#sending || !events) return;
    const { flushIntervalMs = 1_000 } = this.#options;
    const isFull = events >= this.#batch.eventsMax || bytes >= this.#batch.bytesMax;
    const nowMs = this.#platform.now();
    const atMs = Math.max(nowMs + (isFull ? 0 : flushIntervalMs), this.#retryAtMs);
    if (atMs >= this.#sendAtMs) return;
    this.#cancelSend();
    this.#sendAtMs = atMs;
    this.#cancelSend = this.#platform.startTimer(() => void this.#send(), atMs - nowMs);
  }

  /** Sends until nothing waits or something fails; at most one does so at a time. */
  #send(): Promise<boolean> {
    this.#cancelSend();
    this.#sendAtMs = 1 / 0;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
      this.#schedule();
    });
    return this.#sending;
  }

  async #sendAll(): Promise<boolean> {
    while (!this.#isStopped && this.#queue.events > 0) {
      const batch = this.#queue.first({ ...this.#batch, eventsMax: this.#eventsMax });
      this.#busy = new Set(batch);
      const verdict = await this.#post(batch);
      this.#busy = new Set();
      if (!this.#settle(batch, verdict)) return false;
    }
    return this.#queue.events === 0;
  }

  async #post(batch: readonly Entry[]): Promise<Verdict> {
    const { timeoutMs = 15_000 } = this.#options;
    try {
      const { post, now } = this.#platform;
      const reply = await post(this.#url, toBody(batch), this.#headers, timeoutMs);
      return judge(reply, batch.length, now());
    } catch {
      return { kind: "later", afterMs: 0 };
    }
  }

  /** Whether to go on at once. */
  #settle(batch: readonly Entry[], verdict: Verdict): boolean {
    if (verdict.kind === "stop") {
      this.#isStopped = true;
      this.#tell(() => this.#options.onStopped?.(verdict.status));
      return false;
    }
    if (verdict.kind === "later") {
      this.#backOff(verdict.afterMs);
      return false;
    }
    this.#failures = 0;
    this.#retryAtMs = 0;
    if (verdict.kind === "split" && batch.length > 1) {
      this.#eventsMax = Math.ceil(batch.length / 2);
      return true;
    }
    this.#eventsMax = Math.min(this.#eventsMax * 2, this.#batch.eventsMax);
    // First removed, then told: what the application does meanwhile must not bring them back.
    this.#queue.remove(batch);
    const rejected = verdict.kind === "split" ? [{ ...verdict, index: 0 }] : verdict.rejected;
    for (const { index, code, message } of rejected) {
      const entry = batch[index];
      if (entry) this.#giveUp(toEvent(entry), code, message);
    }
    return true;
  }

  /** Anywhere between at once and the bound: who failed together must not come back together. */
  #backOff(afterMs: number): void {
    const boundMs = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures, BACKOFF_MAX_MS);
    this.#failures += 1;
    this.#quietUntilMs = this.#platform.now() + Math.min(afterMs, RETRY_AFTER_MAX_MS);
    this.#retryAtMs = this.#quietUntilMs + this.#platform.random() * boundMs;
  }

  /** The page may be gone in a moment, and with it the answer: what is sent now is kept as well. */
  #leave(): void {
    const isPatient = this.#platform.storage && this.#quietUntilMs > this.#platform.now();
    const sent = new Set(this.#busy);
    while (!this.#isStopped && !isPatient) {
      const batch = this.#queue.first(this.#batch, sent);
      if (batch.length === 0) break;
      for (const entry of batch) sent.add(entry);
      if (!this.#platform.beacon(this.#url, toBody(batch))) void this.#post(batch);
    }
    this.#queue.letGo();
  }

  #adopt(): void {
    this.#cancelAdopt();
    if (!this.#platform.storage) return;
    this.#queue.adopt(() => this.#schedule());
    this.#schedule();
    this.#cancelAdopt = this.#platform.startTimer(() => this.#adopt(), ADOPT_EVERY_MS);
  }
}

function toBody(batch: readonly Entry[]): string {
  return `[${batch.map(({ text }) => text).join(",")}]`;
}

function toEvent({ text }: Entry): Event {
  return JSON.parse(text);
}
