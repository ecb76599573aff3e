/** What the SDK needs of where it runs. Tests bring their own. */

export interface Reply {
  readonly status: number;
  /** The header of that name. */
  readonly retryAfter: string | null;
  readonly body: string;
}

/** A browser's storage: its methods, and its entries as properties. */
export type EventStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface Platform {
  /** Epoch milliseconds. */
  now(): number;
  /** From 0, inclusive, to 1, exclusive. */
  random(): number;
  newId(): string;
  /** Returns what cancels it. */
  startTimer(run: () => void, delayMs: number): () => void;
  /** Whether pages send: their key goes into the URL, since a beacon has no headers. */
  readonly isPage: boolean;
  /** @throws where there is no answer in time. */
  post(
    url: string,
    body: string,
    headers: Record<string, string>,
    timeoutMs: number,
  ): Promise<Reply>;
  /** Hands over to the browser what it will send when the page is gone; false if it will not. */
  beacon(url: string, body: string): boolean;
  readonly storage: EventStorage | null;
  /**
   * Calls `work` if nobody holds the name, and holds it until the returned function is called or the
   * page is gone. Null where the platform knows no locks.
   */
  readonly lock: ((name: string, work: () => void) => () => void) | null;
  /** Calls when the page is out of sight, when it goes away, and when the network is back. */
  listen(events: { hidden(): void; leaving(): void; online(): void }): () => void;
}

/** A browser's window, or Node. */
export function thisPlatform(): Platform {
  const isPage = typeof document !== "undefined";
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    newId,
    startTimer(run, delayMs) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    isPage,
    post,
    beacon: (url, body) => isPage && !!navigator.sendBeacon?.(url, body),
    storage: isPage ? browserStorage() : null,
    lock: isPage && navigator.locks ? lock : null,
    listen: isPage ? listen : () => () => {},
  };
}

/** A random UUID also where a page came over plain HTTP, which hides `randomUUID`. */
function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function post(
  url: string,
  body: string,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<Reply> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      // Goes on when the page is closed; cookies are none of our business.
      keepalive: true,
      credentials: "omit",
      signal: abort.signal,
    });
    const retryAfter = response.headers.get("retry-after");
    return { status: response.status, retryAfter, body: await response.text() };
  } finally {
    clearTimeout(timer);
  }
}

/** Null where the user or the browser forbids it. */
function browserStorage(): EventStorage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function lock(name: string, work: () => void): () => void {
  let release = () => {};
  const hold = (held: unknown) => {
    if (!held) return;
    work();
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  };
  navigator.locks.request(name, { ifAvailable: true }, hold).catch(() => {});
  return () => release();
}

function listen(events: Parameters<Platform["listen"]>[0]): () => void {
  const onHidden = () => document.visibilityState === "hidden" && events.hidden();
  const all: [EventTarget, string, () => void][] = [
    [document, "visibilitychange", onHidden],
    [window, "pagehide", events.leaving],
    [window, "online", events.online],
  ];
  for (const [target, name, run] of all) target.addEventListener(name, run);
  return () => {
    for (const [target, name, run] of all) target.removeEventListener(name, run);
  };
}
