/** A place to run with a clock that stands, a network of the test's own, and tabs that close. */
import type { EventStorage, Platform, Reply } from "../platform.ts";

export interface Sent {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What all tabs of one browser share. */
export class FakeBrowser {
  readonly storage = new FakeStorage();
  readonly heldLocks = new Set<string>();
  readonly sent: Sent[] = [];
  readonly beacons: Sent[] = [];
  nowMs = Date.UTC(2026, 5, 1, 12);
  /** What the edge answers; a throw is a network that is down. */
  answer: (sent: Sent) => Reply | Promise<Reply> = acceptAll;
  /** Bytes that a beacon may have. */
  beaconBytesMax = 64 * 1_024;
  randomValue = 0.5;
  knowsLocks = true;
  #ids = 0;
  #timersStarted = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly run: () => void }>();

  newId(): string {
    this.#ids += 1;
    return `id-${String(this.#ids).padStart(6, "0")}`;
  }

  startTimer(run: () => void, delayMs: number): () => void {
    const key = this.#timersStarted++;
    this.#timers.set(key, { atMs: this.nowMs + delayMs, run });
    return () => this.#timers.delete(key);
  }

  /** Lets time pass, timer by timer, and waits for what each one starts. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { atMs }]) => atMs <= untilMs);
      const [next] = due.sort(([, a], [, b]) => a.atMs - b.atMs);
      if (next === undefined) break;
      const [key, { atMs, run }] = next;
      this.#timers.delete(key);
      this.nowMs = Math.max(this.nowMs, atMs);
      run();
      await settle();
    }
    this.nowMs = untilMs;
  }

  /** The ids of all events that were sent, in order, as often as they were. */
  sentIds(): string[] {
    return this.sent.flatMap(({ body }) => idsOf(body));
  }
}

export function idsOf(body: string): string[] {
  return JSON.parse(body).map(({ event_id }: { event_id: string }) => event_id);
}

/** Enough turns for a request, its answer, and what follows from it. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

export function reply(status: number, body: unknown = {}, retryAfter: string | null = null): Reply {
  return { status, retryAfter, body: JSON.stringify(body) };
}

export function acceptAll({ body }: Sent): Reply {
  return reply(202, { accepted: idsOf(body).length, rejected: [] });
}

/** Entries are properties of it, as of a browser's; it fills up as theirs does. */
class FakeStorage implements EventStorage {
  [name: string]: unknown;
  #isFull = false;

  fill(): void {
    this.#isFull = true;
  }

  getItem(name: string): string | null {
    const value = Object.hasOwn(this, name) ? this[name] : null;
    return typeof value === "string" ? value : null;
  }

  setItem(name: string, value: string): void {
    if (this.#isFull) throw new Error("QuotaExceededError");
    this[name] = value;
  }

  removeItem(name: string): void {
    delete this[name];
  }
}

export interface FakeTab extends Platform {
  hide(): void;
  goOnline(): void;
  /** The page is left; its script is not run any more. */
  close(): void;
}

/** @param change What is different in this tab. */
export function openTab(browser: FakeBrowser, change: Partial<Platform> = {}): FakeTab {
  let events = { hidden: () => {}, leaving: () => {}, online: () => {} };
  const own = new Set<string>();
  const cancels = new Set<() => void>();
  let isOpen = true;
  const platform: Platform = {
    now: () => browser.nowMs,
    random: () => browser.randomValue,
    newId: () => browser.newId(),
    startTimer(run, delayMs) {
      const cancel = browser.startTimer(() => isOpen && run(), delayMs);
      cancels.add(cancel);
      return cancel;
    },
    isPage: true,
    async post(url, body, headers) {
      const sent = { url, body, headers };
      browser.sent.push(sent);
      const answer = await browser.answer(sent);
      // To a page that is gone nobody answers.
      return isOpen ? answer : new Promise(() => {});
    },
    beacon(url, body) {
      if (body.length > browser.beaconBytesMax) return false;
      browser.beacons.push({ url, body, headers: {} });
      return true;
    },
    storage: browser.storage,
    lock: browser.knowsLocks
      ? (name, work) => {
          queueMicrotask(() => {
            if (!isOpen || browser.heldLocks.has(name)) return;
            browser.heldLocks.add(name);
            own.add(name);
            work();
          });
          return () => {
            if (own.delete(name)) browser.heldLocks.delete(name);
          };
        }
      : null,
    listen(listeners) {
      events = listeners;
      return () => {
        events = { hidden: () => {}, leaving: () => {}, online: () => {} };
      };
    },
    ...change,
  };
  return Object.assign(platform, {
    hide: () => events.hidden(),
    goOnline: () => events.online(),
    close: () => {
      events.leaving();
      isOpen = false;
      for (const cancel of cancels) cancel();
      for (const name of own) browser.heldLocks.delete(name);
    },
  });
}
